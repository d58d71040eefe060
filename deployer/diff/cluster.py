"""The whole comparison: machines first, then the catalogue, then stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.catalogue import diff_catalogue
from deployer.diff.change import Diff
from deployer.diff.machines import diff_engines, diff_swarm
from deployer.diff.stacks import diff_stacks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.model.stack import StackObjects


def diff(desired: Desired, objects: Sequence[StackObjects], observed: Observed) -> Diff:
    """Desired state, compiled stacks and one snapshot in; every difference out, in a fixed order.

    Stacks are compared only where a swarm is to be had: one that exists, or one that these changes will start.
    """
    engines = diff_engines(desired.cluster, observed)
    swarm = diff_swarm(desired.cluster, observed)
    catalogue = diff_catalogue(desired.cluster, observed, desired.commit)
    has_swarm = observed.swarm is not None or bool(swarm.changes)
    stacks = diff_stacks(desired.cluster.name, objects, observed.swarm, desired.commit) if has_swarm else Diff(())
    parts = (engines, swarm, catalogue, stacks)
    return Diff(
        changes=tuple(change for part in parts for change in part.changes),
        blocked=tuple(obstacle for part in parts for obstacle in part.blocked),
        unchanged=sum(part.unchanged for part in parts),
    )
