"""Read the `sops` section of a SOPS file: its keys, its rule, its MAC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.encrypted.keys import read_groups
from deployer.encrypted.rules import over_comments, read_rule
from deployer.encrypted.sops import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.encrypted.keys import MasterKey
    from deployer.encrypted.rules import Rule
    from deployer.encrypted.sops import Value

Step = str | int
DEEPEST: Final = 8
MOST: Final = 10_000
"""Values in the section."""


@dataclass(frozen=True)
class Metadata:
    """`groups`: of each group one key opens its part; `threshold` of them are wanted. Nearly every file has one group.

    `over_comments` is the name of a rule that looks at comments, which are not read here; empty without one.
    """

    groups: tuple[tuple[MasterKey, ...], ...]
    threshold: int
    mac: str
    lastmodified: str
    rule: Rule
    over_comments: str
    mac_only_encrypted: bool

    @property
    def keys(self) -> tuple[MasterKey, ...]:
        return tuple(key for group in self.groups for key in group)

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.keys if key.kind == "age")

    @property
    def others(self) -> tuple[str, ...]:
        """The kinds of keys that only the program handles."""
        return tuple(dict.fromkeys(key.kind for key in self.keys if key.kind != "age"))


def read_metadata(given: Any) -> Metadata:
    """DamagedError where the section is not as sops writes it."""
    if not isinstance(given, dict):
        raise DamagedError("its sops section is no mapping")
    groups = read_groups(given)
    mac, modified = given.get("mac"), given.get("lastmodified")
    if not isinstance(mac, str) or not isinstance(modified, str):
        raise DamagedError("its sops section has no mac and lastmodified")
    if not groups:
        raise DamagedError("its sops section names no recipient")
    only = str(given.get("mac_only_encrypted", "")).lower() == "true"
    threshold = _threshold(given.get("shamir_threshold"), len(groups))
    return Metadata(groups, threshold, mac, modified, read_rule(given), over_comments(given), only)


def nested(values: Iterable[tuple[tuple[Step, ...], Value]]) -> dict[str, Any]:
    """Values by their paths as one mapping; lists by the order of their indices. DamagedError where two stand at one place."""
    top: dict[Step, Any] = {}
    for count, (path, value) in enumerate(values):
        if len(path) > DEEPEST or count >= MOST:
            raise DamagedError("its sops section is larger than sops writes it")
        into = top
        for step in path[:-1]:
            below = into.setdefault(step, {})
            if not isinstance(below, dict):
                raise DamagedError("its sops section has two values at one place")
            into = below
        if path[-1] in into:
            raise DamagedError("its sops section has two values at one place")
        into[path[-1]] = value
    return {str(key): _listed(value) for key, value in top.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    indices = [step for step in value if isinstance(step, int)]
    if not indices:
        return {key: _listed(below) for key, below in value.items()}
    if len(indices) < len(value):
        raise DamagedError("its sops section has a list that is a mapping, too")
    return [_listed(value[index]) for index in sorted(indices)]


def _threshold(given: Any, groups: int) -> int:
    """All groups, unless it says fewer (sops.go: 0 is what it says where there is one)."""
    text = str(given or 0)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return min(number, groups) or groups
