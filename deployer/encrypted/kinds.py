"""A file's bytes in, the kind of encryption out: by content, since names say what was encrypted, not how."""

from __future__ import annotations

import re
from typing import Final, Literal

Kind = Literal["age", "sops-yaml", "sops-json", "sops-binary", "sops-dotenv", "sops-ini"]

AGE_HEADER: Final = b"age-encryption.org/v1\n"
AGE_ARMOR: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
_HEAD: Final = 256
_MARK: Final = b"ENC[AES256_GCM,"
"""Each SOPS file has at least one such value: its MAC."""
_YAML: Final = re.compile(rb"^sops:[ \t]*\r?$", re.MULTILINE)
_DOTENV: Final = re.compile(rb"^sops_mac=ENC\[", re.MULTILINE)
_INI: Final = re.compile(rb"^\[sops\][ \t]*\r?$", re.MULTILINE)
_JSON: Final = re.compile(rb'"sops"[ \t\r\n]*:[ \t\r\n]*\{')
_BINARY: Final = re.compile(
    rb'\{[ \t\r\n]*"data"[ \t\r\n]*:[ \t\r\n]*"ENC\[[^"]*"[ \t\r\n]*,[ \t\r\n]*"sops"[ \t\r\n]*:'
)


def kind_of(path: str, data: bytes) -> Kind | None:
    """How the file is encrypted; None where it is not.

    Of `path` only the ending counts, and only where the bytes leave it open: `{"data": ..., "sops": ...}` is what SOPS
    makes of any file that is no JSON, and of a JSON file with the one key `data`.
    """
    if data.startswith(AGE_HEADER) or data[:_HEAD].lstrip().startswith(AGE_ARMOR):
        return "age"
    if _MARK not in data:
        return None
    if data[:_HEAD].lstrip().startswith(b"{"):
        if not _JSON.search(data):
            return None
        return "sops-binary" if _BINARY.match(data.lstrip()) and not path.endswith(".json") else "sops-json"
    patterns: tuple[tuple[re.Pattern[bytes], Kind], ...] = (
        (_DOTENV, "sops-dotenv"),
        (_INI, "sops-ini"),
        (_YAML, "sops-yaml"),
    )
    return next((kind for pattern, kind in patterns if pattern.search(data)), None)


class CannotOpenError(Exception):
    """`message` says what is wrong with the file as a sentence after its name; `line` is 0 for the file as a whole.

    `source` is that line, where it is short enough to be shown, and `width` what is wrong of it.
    """

    def __init__(
        self, message: str, advice: str, line: int = 0, column: int = 0, source: str = "", width: int = 1
    ) -> None:
        super().__init__(message)
        self.message, self.help, self.line, self.source, self.width = message, advice, line, source, width
        self.column = column or (1 if line else 0)
