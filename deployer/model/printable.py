"""Text from files, refs, logs and machines, made safe for a terminal."""

from __future__ import annotations

import unicodedata
from typing import Final

LONGEST: Final = 64
"""Characters of a value that is shown in a message."""
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that move the cursor, hide or reorder text: control, format (bidi among them), surrogates, separators."""


def printable(text: str) -> str:
    r"""`text` with everything that a terminal would act on written as an escape: ESC becomes `\\x1b`, a newline `\\n`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) if unicodedata.category(char) in _UNSAFE else char for char in text)


def shown(value: str) -> str:
    """A value from elsewhere as a message shows it: in quotes, escaped, cut."""
    return ascii(value[:LONGEST]) + ("..." if len(value) > LONGEST else "")


def _escape(char: str) -> str:
    return (
        char.encode("unicode_escape").decode("ascii") if char.isascii() or ord(char) > 0xFF else f"\\x{ord(char):02x}"
    )
