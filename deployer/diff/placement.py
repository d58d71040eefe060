"""Whether a service's tasks can run on other machines while one is empty. Pure.

The rules are Swarm's own scheduler's (swarmkit, manager/scheduler/filter.go and constraint/constraint.go), as far as the managers'
list says what they need; what it does not say is taken for fulfilled, and the wait for the tasks tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from deployer.model.constraint import holds
from deployer.model.spec import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deployer.model.observed import LiveService, Member


@dataclass(frozen=True)
class Elsewhere:
    """`never`: why no other machine takes its tasks; `loses`: what they leave behind. Both go on after the service's name."""

    never: str = ""
    loses: str = ""


def elsewhere(service: LiveService, leaving: Member, members: Sequence[Member]) -> Elsewhere:
    """What happens to the service's tasks on the machine `leaving` when that is drained."""
    spec = ServiceSpec(service.spec)
    if spec.count is None:
        return Elsewhere()  # one on every machine: none is wanted for this one while it is away
    constraints = spec.constraints
    others = [one for one in members if one.id != leaving.id and one.state == "ready" and one.availability == "active"]
    fit = [one for one in others if may_run(constraints, one)]
    if not fit:
        wants = f" that has {' and '.join(constraints)}" if constraints else ""
        return Elsewhere(never=f"cannot run elsewhere: there is no other machine{wants}")
    most = spec.most_on_a_machine
    if most and service.wanted > most * len(fit):
        return Elsewhere(never=f"cannot run elsewhere in full: at most {most} on each of the other {len(fit)} machines")
    if (port := _host_port(spec)) and service.wanted > len(fit):
        return Elsewhere(
            never=f"cannot run elsewhere in full: port {port} can be had once on each of the other {len(fit)} machines"
        )
    kept = _left_behind(spec)
    return Elsewhere(loses=f"keeps data there ({kept}), and would start elsewhere without it" if kept else "")


def may_run(constraints: Iterable[str], member: Member) -> bool:
    """Whether a machine fulfils all of a service's constraints, as far as the managers' list tells."""
    return all(holds(constraint, partial(member_attribute, member)) is not False for constraint in constraints)


def member_attribute(member: Member, key: str) -> str | None:
    """What a constraint compares (`node.role`, `node.labels.NAME`); None where only the engines know."""
    if key.lower().startswith("node.labels."):
        return member.labels.get(key[len("node.labels.") :], "")
    return {"node.id": member.id, "node.hostname": member.hostname, "node.role": member.role}.get(key.lower())


def _host_port(spec: ServiceSpec) -> int:
    """A port that it takes of each machine it runs on; 0 where it takes none."""
    return next((port for port, _, mode in spec.published if mode == "host"), 0)


def _left_behind(spec: ServiceSpec) -> str:
    """Named volumes of the machine's own. Other drivers may bring theirs along, folders of the machine are its owner's business."""
    names = [
        f"volume {mount['Source']}"
        for mount in spec.mounts
        if mount.get("Type") == "volume" and mount.get("Source")
        and ((mount.get("VolumeOptions") or {}).get("DriverConfig") or {}).get("Name", "local") in {"", "local"}
    ]  # fmt: skip
    return ", ".join(names)
