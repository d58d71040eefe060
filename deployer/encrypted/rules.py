"""Decide which values of a SOPS file are encrypted, by its rule and the path of keys (sops.go, shouldBeEncrypted).

The regular expressions come from the file. They run in RE2, as with sops itself: its time grows with the text and with the
expression, and with nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.encrypted.leaves import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NAMES: Final = ("unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex")
OVER_COMMENTS: Final = ("unencrypted_comment_regex", "encrypted_comment_regex")
DEFAULT: Final = "_unencrypted"
LONGEST: Final = 1_000
"""Characters of an expression."""
LARGEST: Final = 1_000
"""Instructions that RE2 makes of it: `(x{100}){100}` is short and large."""


@dataclass(frozen=True)
class Rule:
    """`matches` tells of one key; what it says of each is kept: a file says the same keys again and again."""

    matches: Callable[[str], bool]
    encrypted: bool
    """Whether values below a key that matches are encrypted, and all others are not; or the other way round."""
    _known: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    def encrypts(self, path: Sequence[str]) -> bool:
        return any(map(self._told, path)) == self.encrypted

    def _told(self, key: str) -> bool:
        if key not in self._known:
            self._known[key] = self.matches(key)
        return self._known[key]


def read_rule(section: Mapping[str, Any]) -> Rule:
    """The one rule that the file has, or the usual one. DamagedError for two, and for an expression that RE2 does not take."""
    given = {name: str(section[name]) for name in (*NAMES, *OVER_COMMENTS) if section.get(name)}
    if len(given) > 1:
        raise DamagedError(f"it has {' and '.join(given)}, and sops takes one of them")
    name, text = next(iter(given.items()), (NAMES[0], DEFAULT))
    encrypted = name.startswith("encrypted")
    if name.endswith("_suffix"):
        return Rule(lambda key: key.endswith(text), encrypted)
    return Rule(_search(name, text), encrypted)


def _search(name: str, text: str) -> Callable[[str], bool]:
    import re2  # noqa: PLC0415 - only for files that have such a rule

    options = re2.Options()
    options.log_errors, options.never_capture = False, True
    try:
        compiled = re2.compile(text.encode(), options) if len(text) <= LONGEST else None
    except (re2.error, UnicodeEncodeError):
        raise DamagedError(f"its {name} cannot be read") from None
    if compiled is None or max(compiled.programsize, compiled.reverseprogramsize) > LARGEST:
        raise DamagedError(f"its {name} is too large")
    return lambda key: compiled.search(key.encode(errors="replace")) is not None
