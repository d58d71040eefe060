"""New certificates for engines that listen for TLS: one machine after the other, drained as for any restart.

dockerd reads its certificates when it starts and never again (moby/moby#23936), so each machine's engine restarts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from deployer.diff.change import Blocked
from deployer.diff.tls import is_foreign, tls_names
from deployer.errors import UsageError
from deployer.maintenance.rolling import add_obstacles, spare_consul, tasks_of
from deployer.model.observed import Engine, Machine
from deployer.model.tls import listening
from deployer.plan.maintenance import Work, in_turn, maintenance_plan
from deployer.plan.tls import FinishAuthority, ListenTls, NewAuthority
from deployer.workflow.maintain import check_names, maintain, read_desired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.maintenance.rolling import Request
    from deployer.model.cluster import Cluster, Node
    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.plan.maintenance import Manner
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.workflow.maintain import Seen, Terms
    from deployer.workflow.run import Audience
    from deployer.workflow.validate import Source

Turn = Literal["server", "authority", "finish"]
"""New certificates of the same authority, of another one, or the end of the one before it."""


async def regenerate(source: Source, request: Request, turn: Turn, audience: Audience, terms: Terms) -> Report:
    """Without names, of all machines that have TLS. Raises what `maintain` raises; UsageError for names that are none, or without TLS."""
    desired = read_desired(source)
    names = _names(desired.cluster, request.names)

    async def decide(seen: Seen) -> Plan:
        return certificates_plan(seen.desired, seen.observed, await tasks_of(seen), names, turn, request.manner)

    return await maintain(source, desired, decide, audience, spare_consul(terms, desired.cluster, names))


def certificates_plan(
    desired: Desired,
    observed: Observed,
    tasks: Mapping[str, Sequence[str]],
    names: Sequence[str],
    turn: Turn,
    manner: Manner,
) -> Plan:
    """One machine after the other, behind what changes about the authority; or what is in the way, and no step at all."""
    cluster = desired.cluster
    nodes = [cluster.node(name) for name in names]
    works = in_turn(observed, [_work(node, observed) for node in nodes])
    if turn != "server":
        change = NewAuthority if turn == "authority" else FinishAuthority
        first = works[0]
        works[0] = replace(first, operations=(change(first.node, cluster.name), *first.operations))
    plan = maintenance_plan(desired, observed, tasks, works, manner)
    obstacles = [said for node in nodes if (said := _obstacle(cluster, node, observed))]
    if turn == "finish":
        obstacles += [said for node in cluster.nodes if node.tls and (said := _behind(cluster, node, observed))]
    return add_obstacles(replace(plan, purpose=f"new certificates for {', '.join(names)}"), obstacles)


def _names(cluster: Cluster, asked: tuple[str, ...]) -> tuple[str, ...]:
    secured = [node.name for node in cluster.nodes if node.tls]
    names = check_names(cluster, asked) if asked else tuple(secured)
    if not names:
        raise UsageError("no machine has `engine: {tls: true}`", help="SSH carries the engines' sockets: nothing ends")
    if others := [name for name in names if name not in secured]:
        raise UsageError(
            f"{', '.join(others)}: no certificates there", help="they come with `engine: {tls: true}` in its file"
        )
    return names


def _work(node: Node, observed: Observed) -> Work:
    machine = observed.machines[node.name]
    names = tls_names(node, machine) if isinstance(machine, Machine) else (node.name,)
    return Work(node.name, (ListenTls(node.name, names, listening(node.address)),))


def _obstacle(cluster: Cluster, node: Node, observed: Observed) -> Blocked | None:
    machine = observed.machines[node.name]
    if not isinstance(machine, Machine):
        return None  # the plan says so by itself
    if machine.tls is None or not isinstance(machine.engine, Engine):
        return Blocked(node.name, "its engine does not listen for TLS yet", f"deployer machine provision {node.name}")
    if is_foreign(cluster, machine):
        folder = f"~/.local/share/deployer/tls/{cluster.name}"
        return Blocked(node.name, "its certificate is of another authority", f"copy {folder} from whoever has it")
    if not machine.privileged:
        return Blocked(node.name, "its user is not root and sudo asks for a password", "allow passwordless sudo for it")
    return None


def _behind(cluster: Cluster, node: Node, observed: Observed) -> Blocked | None:
    """Whether a machine would be cut off: it has nothing of the present authority yet, or cannot be request."""
    machine = observed.machines[node.name]
    live = machine.tls if isinstance(machine, Machine) else None
    if live and live.authorities[:1] == cluster.authorities[:1]:
        return None
    return Blocked(
        node.name,
        "it has no certificate of the new authority, as far as can be seen",
        f"deployer machine regenerate-certs {node.name}",
    )
