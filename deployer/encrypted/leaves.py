"""The values of a SOPS file as they stand in it, and the bounds within which files are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.encrypted.rules import Rule

# Each part has its own alphabet, none with a comma: no text is tried in more than one way.
_ENCRYPTED: Final = re.compile(
    r"ENC\[AES256_GCM,data:[A-Za-z0-9+/]+={0,2},iv:[A-Za-z0-9+/]+={0,2},tag:[A-Za-z0-9+/]+={0,2},type:[a-z]{1,16}\]"
)
LONGEST_PATH: Final = 4_096
"""Characters of all keys above a value: each value is authenticated with them, so they count once a value."""
DEEPEST: Final = 64
MOST: Final = 100_000
"""Values, lists and mappings of a file."""


class DamagedError(Exception):
    """The file is not what SOPS wrote. `str` says why, and never quotes a value."""


class Text(str):
    """A value of a notation that has lines: `line` is its own."""

    __slots__ = ("line",)
    line: int


@dataclass(frozen=True)
class Leaf:
    """One value of the file: the keys above it (list items have none) and itself, as it is written there.

    Raises DamagedError where its keys are too long.
    """

    path: tuple[str, ...]
    value: Any
    line: int = 0

    def __post_init__(self) -> None:
        if sum(map(len, self.path)) > LONGEST_PATH:
            raise DamagedError(f"the keys above a value have more than {LONGEST_PATH} characters")

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def is_clear(self, rule: Rule) -> bool:
        """Whether it should be encrypted and is not."""
        if self.value is None or self.value == "" or not rule.encrypts(self.path):
            return False
        return not isinstance(self.value, str) or _ENCRYPTED.fullmatch(self.value) is None


def find_leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """All leaves of mappings and lists, in their order."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from find_leaves(one, (*path, key))
    elif isinstance(value, list):
        for one in value:
            yield from find_leaves(one, path)
    else:
        yield Leaf(path, value, value.line if isinstance(value, Text) else 0)


def check_count(count: int) -> None:
    """Raises DamagedError for more values than files of people have."""
    if count > MOST:
        raise DamagedError(f"it has more than {MOST} values")
