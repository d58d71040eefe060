"""What differs of a service, and who made it so: git, or somebody's hand. Pure.

The label `deployer.fields` says which fields the body that was last sent had. A live value that it does not know was
put there by hand, and so was the lack of one that it knows; a value of git's that it does not know is new in git.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.diff.cause import Cause
from deployer.diff.fields import atoms, fields, merge_fields
from deployer.model import labels
from deployer.model.field import Absent, Field
from deployer.model.ignoring import covers
from deployer.model.spec import CONTAINER

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNT_PATHS: Final = frozenset({"Mode.Replicated.Replicas"})
WIDTH: Final = 4
"""Characters a field: 24 bits of a hash."""

SINCE: Final = {f"{CONTAINER}.Healthcheck.StartInterval": 25}
"""Fields that engines older than this (major version) drop without a word: there they are no difference."""

Drift = Literal["correct", "report"]


@dataclass(frozen=True)
class Rules:
    """What is done about drift of one service, and which of its fields are not compared."""

    drift: Drift = "correct"
    ignore: tuple[str, ...] = ()


DEFAULT: Final = Rules()


@dataclass(frozen=True)
class Compared:
    """`target` is the body that the service gets.

    `fields` are changed for it; `left` have drifted and stay. `kept`: `target` has live values.
    """

    target: Mapping[str, Any]
    fields: tuple[Field, ...] = ()
    left: tuple[Field, ...] = ()
    kept: bool = False

    @property
    def cause(self) -> Cause:
        drifted = [field.drifted for field in self.fields]
        if all(drifted):
            return Cause.DRIFTED
        if any(drifted):
            return Cause.CHANGED_AND_DRIFTED
        return Cause.COUNT if all(field.path in COUNT_PATHS for field in self.fields) else Cause.CHANGED


def compare(
    live: Mapping[str, Any], wanted: Mapping[str, Any], known: Mapping[str, str], digest: str, rules: Rules
) -> Compared:
    """Compare the live and the desired body, both normalised. `known` are the live labels, `digest` is the desired body's hash."""
    told = [_judge(field, known, digest) for field in fields(live, wanted)]
    unseen = [field for field, _ in told if any(covers(place, field.path) for place in rules.ignore)]
    seen = [(field, new) for field, new in told if field not in unseen]
    left = [field for field, new in seen if rules.drift == "report" and field.drifted and not new]
    done = tuple(field for field, _ in seen if field not in left)
    keep = [*unseen, *left]
    target = merge_fields(live, wanted, lambda field: field in keep) if keep else wanted
    return Compared(target, done, tuple(left), kept=bool(keep))


def unknown_fields(version: str) -> tuple[str, ...]:
    """The fields that an engine of this version does not know; none where `version` is not a version."""
    major = version.partition(".")[0]
    return tuple(sorted(place for place, since in SINCE.items() if major.isdecimal() and int(major) < since))


def digests(body: Mapping[str, Any]) -> str:
    """The value of the label `deployer.fields` for a normalised body."""
    return "".join(sorted(_digest(atom) for atom in atoms(body, "")))


def _judge(field: Field, known: Mapping[str, str], digest: str) -> tuple[Field, bool]:
    """The field, with whether it drifted; and whether git changed it."""
    label = known.get(labels.FIELDS)
    if not label:  # an earlier deployer wrote it: either all of it is git's, or none
        drifted = known.get(labels.HASH) == digest
        return replace(field, drifted=drifted), not drifted
    sent = frozenset(label[start : start + WIDTH] for start in range(0, len(label), WIDTH))
    old, new = (
        None if isinstance(side, Absent) else _was_sent(field.path, side, sent) for side in (field.old, field.new)
    )
    drifted = old is False or (old is None and new is True)
    return replace(field, drifted=drifted), new is False or (new is None and old is True)


def _was_sent(path: str, value: Any, sent: frozenset[str]) -> bool:
    return all(_digest(atom) in sent for atom in atoms(value, path))


def _digest(atom: str) -> str:
    return base64.b64encode(hashlib.sha256(atom.encode()).digest()[:3]).decode()
