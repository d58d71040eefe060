"""Read the `sops` section of a SOPS file: its keys, its rule, its MAC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.encrypted.keys import read_groups
from deployer.encrypted.leaves import DamagedError
from deployer.encrypted.rules import NAMES, OVER_COMMENTS, read_rule

if TYPE_CHECKING:
    from deployer.encrypted.keys import MasterKey
    from deployer.encrypted.rules import Rule

_KEPT: Final = ("mac", "lastmodified", *NAMES, *OVER_COMMENTS)
_VERSION: Final = "3.9.0"
"""Of no account for opening a file, but sops wants one."""


@dataclass(frozen=True)
class Metadata:
    """`groups`: of each group one key opens its part; `threshold` of them are wanted. Nearly every file has one group.

    `over_comments` is the name of a rule that looks at comments, which are not read here; empty without one. `others` is what
    the section says besides its keys.
    """

    groups: tuple[tuple[MasterKey, ...], ...]
    threshold: int
    rule: Rule
    over_comments: str
    others: dict[str, str | bool]

    @property
    def keys(self) -> tuple[MasterKey, ...]:
        return tuple(key for group in self.groups for key in group)

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(key.name for key in self.keys if key.kind == "age")

    def for_recipient(self, recipient: str, enc: str) -> dict[str, Any]:
        """The section with one key alone: of age's, for this recipient."""
        return {"age": [{"recipient": recipient, "enc": enc}], **self.others}


def read_metadata(given: Any) -> Metadata:
    """DamagedError where the section is not as sops writes it."""
    if not isinstance(given, dict):
        raise DamagedError("its sops section is no mapping")
    groups = read_groups(given)
    if not isinstance(given.get("mac"), str) or not isinstance(given.get("lastmodified"), str):
        raise DamagedError("its sops section has no mac and lastmodified")
    if not groups:
        raise DamagedError("its sops section names no recipient")
    rule = read_rule(given)
    others: dict[str, str | bool] = {name: str(given[name]) for name in _KEPT if given.get(name)}
    others["version"] = _VERSION
    if str(given.get("mac_only_encrypted", "")).lower() == "true":
        others["mac_only_encrypted"] = True
    over_comments = next((name for name in OVER_COMMENTS if name in others), "")
    return Metadata(groups, _threshold(given.get("shamir_threshold"), len(groups)), rule, over_comments, others)


def _threshold(given: Any, groups: int) -> int:
    """All groups, unless it says fewer (sops.go: 0 is what it says where there is one)."""
    text = str(given or 0)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return min(number, groups) or groups
