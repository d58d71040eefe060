"""The comparison of the whole cluster: machines first, then the catalogue, then stacks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.diff.change import Blocked, Diff
from deployer.diff.consul import diff_catalogue
from deployer.diff.departed import diff_departed
from deployer.diff.drift import Rules, unknown_fields
from deployer.diff.images import diff_builds
from deployer.diff.machines import diff_engines
from deployer.diff.mtu import small_packets
from deployer.diff.projects import diff_projects
from deployer.diff.registrator import diff_registrators
from deployer.diff.replaced import with_services
from deployer.diff.stacks import diff_stacks
from deployer.diff.surplus import diff_surplus
from deployer.diff.swarm import diff_swarm, swarm_obstacle
from deployer.diff.tls import diff_tls
from deployer.model.observed import Engine, Machine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.build import BuiltImage
    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.model.stack import StackObjects


def diff(
    desired: Desired,
    compiled: Sequence[StackObjects],
    observed: Observed,
    built: Mapping[str, BuiltImage] | None = None,
) -> Diff:
    """Compare the desired state and its compiled stacks with one snapshot; the differences have a fixed order. `built`: where images are.

    Stacks are compared only where a swarm is to be had: one that exists, or one that these changes will start.
    """
    projects = diff_projects(desired, compiled, observed)
    objects = [stack for stack in compiled if stack.project is None]
    engines = diff_engines(desired.cluster, observed)
    tls = diff_tls(desired.cluster, observed)
    swarm = diff_swarm(desired.cluster, observed)
    catalogue = diff_catalogue(desired.cluster, observed, desired.commit)
    registrators = diff_registrators(desired.cluster, observed, desired.commit)
    if swarm_obstacle(desired.cluster, observed) or not (observed.swarm or swarm.changes):
        stacks = Diff((), _homeless(objects) if not swarm.blocked else ())
    else:
        settings = {source.name: source.settings for source in desired.stacks}
        common = Rules(desired.cluster.policy.drift, unknown_fields(_engine(observed)))
        stacks = diff_stacks(desired.cluster.name, objects, observed.swarm, desired.commit, settings, common)
        unbuilt = diff_builds(desired, objects, observed, built or {})
        stacks = replace(stacks, changes=(*unbuilt, *stacks.changes))
    if observed.swarm and not swarm_obstacle(desired.cluster, observed):
        stacks = with_services(desired, objects, observed.swarm, stacks)
        surplus = diff_surplus(desired, objects, observed.swarm, stacks)
    else:
        surplus = Diff(())
    departed = diff_departed(desired.cluster, observed)
    parts = (engines, tls, swarm, catalogue, registrators, stacks, projects, surplus, departed)
    return Diff(
        changes=tuple(change for part in parts for change in part.changes),
        blocked=tuple(obstacle for part in parts for obstacle in part.blocked),
        unchanged=sum(part.unchanged for part in parts),
        drifted=stacks.drifted,
        kept=tuple(kept for part in parts for kept in part.kept),
        warned=small_packets(desired.cluster, objects, observed),
    )


def _engine(observed: Observed) -> str:
    """The version of the engine that speaks for the swarm; empty where there is none yet."""
    machine = observed.machines.get(observed.swarm.via) if observed.swarm else None
    engine = machine.engine if isinstance(machine, Machine) else None
    return engine.version if isinstance(engine, Engine) else ""


def _homeless(objects: Sequence[StackObjects]) -> tuple[Blocked, ...]:
    help_ = "set `swarm: manager` in one file of cluster/nodes/"
    return tuple(
        Blocked(f"stack {name}", "there is no swarm to run it", help_) for name in sorted(o.stack for o in objects)
    )
