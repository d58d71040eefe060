"""A plan that is kept until somebody says yes, and whether a plan that is made later is still the same. Pure.

The bodies that would be sent are not kept, as they may hold secrets: each step has a hash of all that it does and of what
it saw. A plan of the same commit whose steps have the same hashes does exactly the same.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from deployer.model.consent import NOTHING, Consent
from deployer.model.observed import LiveService
from deployer.model.secret import Secret
from deployer.plan.operations import describe, mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.plan.operations import Operation
    from deployer.plan.steps import Plan


@dataclass(frozen=True)
class SavedStep:
    """What a step does in words, and the hash of it."""

    subject: str
    action: str
    hash: str


@dataclass(frozen=True)
class SavedPlan:
    """What is kept of a plan. `rev` is the revision that was asked for; `salt` goes into every hash.

    `allow` and `replaces` are what guards were told.
    """

    cluster: str
    commit: str
    rev: str
    only: tuple[str, ...]
    salt: str
    steps: tuple[SavedStep, ...]
    allow: tuple[str, ...] = ()
    replaces: str = ""

    def consent(self, more: Consent = NOTHING) -> Consent:
        """What guards were told when the plan was made, and what they are told now."""
        return Consent(more.allow_delete | frozenset(self.allow), more.replaces or self.replaces)


def save_plan(plan: Plan, rev: str, salt: str, consent: Consent = NOTHING) -> SavedPlan:
    """The plan as it is kept. Waits are left out: whether a task has started meanwhile changes nothing of what is done."""
    steps = tuple(
        SavedStep(*describe(step.operation), _hash(step.operation, salt))
        for step in plan.steps
        if mark(step.operation) != "."
    )
    told = tuple(sorted(consent.allow_delete)), consent.replaces
    return SavedPlan(plan.cluster, plan.commit, rev, plan.only, salt, steps, *told)


def list_moves(kept: SavedPlan, plan: Plan) -> Sequence[str]:
    """The differences between a kept plan and one that is made now, a sentence each; none where they are the same."""
    now = save_plan(plan, kept.rev, kept.salt)
    if now.cluster != kept.cluster:
        return [f"it is a plan for the cluster {kept.cluster}, this is {now.cluster}"]
    before, after = Counter(kept.steps), Counter(now.steps)
    gone = [step for step in kept.steps if before[step] > after[step]]
    new = [step for step in now.steps if after[step] > before[step]]
    again = {(step.subject, step.action) for step in new}
    told = [
        f"{step.subject}: {step.action}: "
        + ("not as it was" if (step.subject, step.action) in again else "not to be done any more")
        for step in gone
    ]
    known = {(step.subject, step.action) for step in gone}
    return told + [
        f"{step.subject}: {step.action}: to be done as well" for step in new if (step.subject, step.action) not in known
    ]


def _hash(operation: Operation, salt: str) -> str:
    text = json.dumps(_plain(operation), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{salt}{text}".encode()).hexdigest()


def _plain(value: Any) -> Any:
    """The value as JSON; of a live service what is written over, not how it runs."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, LiveService):
        return {"id": value.id, "version": value.version, "spec": _plain(value.spec)}
    if is_dataclass(value):
        return {"": type(value).__name__, **{one.name: _plain(getattr(value, one.name)) for one in fields(value)}}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
