"""Services that somebody removed by hand: they are missing although git has not changed since all of it ran. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from deployer.diff.cause import Cause
from deployer.diff.change import Drifted
from deployer.diff.stacks import ServiceMissing
from deployer.model import labels
from deployer.model.field import ABSENT, Field

if TYPE_CHECKING:
    from collections.abc import Collection

    from deployer.diff.change import Diff
    from deployer.diff.changes import Change
    from deployer.model.desired import Desired
    from deployer.model.observed import Observed

REMOVED: Final = Field("Service", ABSENT, "as in git", drifted=True)
"""Where fields are named: all of it."""


def missing_stacks(differences: Diff, observed: Observed) -> frozenset[str]:
    """The stacks that lack a service, in a swarm that has services of ours: one that has none is new."""
    services = observed.services
    if not any(labels.CLUSTER in one.labels for one in services):
        return frozenset()
    return frozenset(change.stack for change in differences.changes if isinstance(change, ServiceMissing))


def with_gone(differences: Diff, desired: Desired, undisturbed: Collection[str]) -> Diff:
    """The differences, in which services that `undisturbed` stacks lack have drifted.

    Those stacks were deployed with success and have not changed in git since.

    `drift: report` leaves it.
    """
    if not undisturbed:
        return differences
    reported = {
        stack.name
        for stack in desired.stacks
        if (stack.settings.drift or desired.cluster.policy.drift) == "report" and stack.name in undisturbed
    }
    changes: list[Change] = []
    left: list[Drifted] = []
    for change in differences.changes:
        if not isinstance(change, ServiceMissing) or change.stack not in undisturbed:
            changes.append(change)
        elif change.stack in reported:
            left.append(Drifted(change.stack, change.name, (REMOVED,)))
        else:
            changes.append(replace(change, cause=Cause.DRIFTED))
    return replace(differences, changes=tuple(changes), drifted=(*differences.drifted, *left))
