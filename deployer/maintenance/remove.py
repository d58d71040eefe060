"""A machine taken out of the cluster: out of the swarm, of Consul, and of git; and what stays on it, said as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from deployer.diff.change import Blocked
from deployer.errors import UsageError
from deployer.maintenance.rolling import tasks_of
from deployer.model.observed import Engine, Machine
from deployer.model.tls import PORT
from deployer.plan.departure import Departure, departure_plan
from deployer.source import commit_removed, in_worktree
from deployer.workflow.maintain import Seen, Terms, check_names, maintain, read_desired, takes_consul_away

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.workflow.run import Audience
    from deployer.workflow.validate import Source

GONE: Final = "deployer.cluster"


async def remove(
    source: Source, departure: Departure, audience: Audience, terms: Terms, confirm: Callable[[Plan], bool]
) -> tuple[Report, list[str]]:
    """Do it; the report, and what stays on the machine, a line each. Nothing of git is touched by this.

    UsageError where there is no such machine, or it is the last one. `confirm` is asked once the plan has been shown.
    """
    desired = read_desired(source)
    check_names(desired.cluster, [departure.node])
    if len(desired.cluster.nodes) == 1:
        raise UsageError(f"{departure.node} is the only machine of cluster {desired.cluster.name}")
    left: list[str] = []

    async def decide(seen: Seen) -> Plan:
        left[:] = _stays(seen, departure)
        plan = departure_plan(seen.desired, seen.observed, await tasks_of(seen), departure)
        if seen.observed.swarm is None and desired.cluster.node(departure.node).role != "none":
            why = Blocked(
                departure.node, "no manager of the swarm answers", "bring one back, or see deployer swarm recover"
            )
            return replace(plan, steps=(), blocked=(*plan.blocked, why))
        return plan

    alone = takes_consul_away(desired.cluster, [departure.node])
    report = await maintain(source, desired, decide, audience, replace(terms, confirm=confirm, alone=alone))
    return report, left


def forget(source: Source, name: str, *, commit: bool) -> list[str]:
    """Take its file out of the working tree, and with `commit` out of git; what was done, a line each."""
    path = f"cluster/nodes/{name}.yaml"
    if commit:
        made = commit_removed(source.repo, path, f"Remove the machine {name}")
        return [f"removed {path}, committed as {made[:10]}"]
    in_worktree(source.repo, path).unlink(missing_ok=True)
    return [f"removed {path}: commit that, or the next apply takes the machine in again"]


def _stays(seen: Seen, departure: Departure) -> list[str]:
    """What nobody takes away, as far as it is known."""
    machine = seen.observed.machines[departure.node]
    if not isinstance(machine, Machine):
        return ["everything that is on it: it did not answer"]
    if not isinstance(machine.engine, Engine):
        return []
    kept = [
        f"Docker {machine.engine.version}" if not departure.purge else "Docker, unless deployer installed it",
        "its images, volumes and containers that are not the cluster's (/var/lib/docker)",
    ]
    if machine.daemon_json is not None and not departure.purge:
        kept.append("/etc/docker/daemon.json as it is")
    if machine.tls and not departure.purge:
        kept.append(f"its engine listens for TLS at port {PORT}, with the cluster's certificates")
    return [*kept, "its SSH keys and users; its host key in cluster/known_hosts"]
