"""Clusters, commits and states, drawn by Hypothesis: four machines, two stacks that may need something of each other."""

import json
from dataclasses import replace
from typing import Any, NamedTuple

from hypothesis import strategies as st

from deployer.model.cluster import Cluster, Consul, Role
from deployer.model.desired import Desired
from deployer.model.observed import Machine, Member, Observed, Silent, Unreachable
from deployer.model.registrator import Registrator
from deployer.model.stack import Dependency, StackObjects
from tests.literals.desired import make_cluster, make_desired, make_node, make_source
from tests.literals.live import deploy_object, deploy_service
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.stacks import make_content, make_network, make_service, make_stack, with_container, with_networks
from tests.literals.swarm import make_member, make_observed, make_swarm

NAMES = ("a", "b", "c", "d")
roles: st.SearchStrategy[Role] = st.sampled_from(["manager", "manager", "worker", "none"])
daemons: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {}, {"mtu": 1400}, {"debug": True}, {"debug": True, "mtu": 1500}]
)
node_labels = st.dictionaries(st.sampled_from(["zone", "disk"]), st.sampled_from(["x", ""]), max_size=2)
counts = st.one_of(st.none(), st.integers(min_value=0, max_value=3))
update_states = st.sampled_from(["", "completed", "updating", "paused", "rollback_paused", "rollback_completed"])


class Commit(NamedTuple):
    """What git says: the cluster and the stacks' sources, and those stacks compiled."""

    desired: Desired
    objects: tuple[StackObjects, ...]


@st.composite
def commits(draw: st.DrawFn) -> Commit:
    """In one of four, git has only one of the two stacks."""
    stacks = draw(both_stacks())
    sources = [make_source("s", *draw(st.sampled_from([(), ("t",)]))), make_source("t")]
    if draw(st.integers(0, 3)) == 0:
        stacks, sources = (_alone(stacks[1]),), [make_source("t")]
    return Commit(make_desired(draw(clusters()), *sources), stacks)


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    servers = draw(st.sampled_from([*NAMES, "", "abc", "bcd"]))
    agents = draw(st.sampled_from(["", "d", "ab"])) if servers else ""
    registrator = Registrator() if servers and draw(st.booleans()) else None
    nodes = [
        make_node(
            name,
            draw(roles),
            labels=draw(node_labels),
            availability=draw(st.sampled_from(["active", "active", "drain"])),
            consul="server" if name in servers else "agent" if name in agents else None,
            install=draw(st.sampled_from(["distro", "distro", "none"])),
            daemon=draw(daemons),
        )
        for name in NAMES
    ]
    consul = Consul() if servers or draw(st.booleans()) else None
    image = "deployer-registrator:0" if registrator else ""
    return make_cluster(*nodes, consul=consul, registrator=registrator, registrator_image=image)


@st.composite
def both_stacks(draw: st.DrawFn) -> tuple[StackObjects, ...]:
    """Each has a network that the other one may use, and one has a config."""
    front = make_network("s_n", Internal=draw(st.booleans()))
    order = (Dependency("s_x", "s_y"), Dependency("s_y", "s_z"))
    return (
        make_stack(
            "s",
            *draw(bodies("s", deployed=False)),
            networks=(front,),
            configs=(make_content("s_c"),),
            external=(("network", "t_n"),),
            order=order,
        ),
        make_stack(
            "t",
            *draw(bodies("t", deployed=False)),
            networks=(make_network("t_n"),),
            external=(("network", "s_n"), ("config", "s_c")),
        ),
    )


@st.composite
def bodies(draw: st.DrawFn, stack: str, *, deployed: bool) -> list[dict[str, Any]]:
    """Services of one stack as git says them, or as an engine does, if they are `deployed`."""
    found = []
    for name in draw(st.lists(st.sampled_from(["x", "y", "z"]), unique=True)):
        body = make_service(f"{stack}_{name}", draw(counts), draw(st.sampled_from(["app:1", "app:2"])))
        if draw(st.integers(0, 3)) == 0:
            body |= {"Mode": {"Global": {}}}
        if draw(st.booleans()):
            network = draw(st.sampled_from(["s_n", "t_n"]))
            body = with_networks(body, f"id-{network}" if deployed else network)
        if not deployed and draw(st.booleans()):
            body = with_container(body, Configs=[{"ConfigName": "s_c"}])
        found.append(body)
    return found


@st.composite
def states(draw: st.DrawFn) -> Observed:
    """A cluster in any state: as bare machines, or as somebody or an earlier run left it."""
    machines: dict[str, Machine | Unreachable] = {}
    members: list[Member] = []
    for name in NAMES:
        machines[name], found = draw(machine_states(name))
        members += found
    catalogue = draw(st.sampled_from([None, ()]))
    leading = [one for one in members if one.role == "manager"]
    if not leading:
        return make_observed(machines, None, catalogue)
    services = [
        deploy_service(body, version=2, update_state=draw(update_states), running=draw(st.integers(0, 3)))
        for stack in "st"
        for body in draw(bodies(stack, deployed=True))
    ]
    there = [name for name in ("s_n", "t_n") if draw(st.booleans()) or services]
    objects = [deploy_object("network", make_network(name)) for name in there]
    swarm = make_swarm(*members, via=leading[0].id.removeprefix("n-"), services=services, objects=objects)
    return make_observed(machines, swarm, catalogue)


@st.composite
def machine_states(draw: st.DrawFn, name: str) -> tuple[Machine | Unreachable, list[Member]]:
    """What a machine answers, and what the managers say of it, where it is one of the swarm."""
    daemon_json = draw(st.sampled_from([None, "", "{}", '{"mtu": 1500}', "{"]))
    bare = make_machine(f"10.0.0.{NAMES.index(name) + 1}", daemon_json=daemon_json)
    kinds = ["bare", "bare", "engine", "member", "member", "manager", "silent", "down", "no sudo", "lost"]
    kind = draw(st.sampled_from(kinds))
    if kind in {"member", "manager"}:
        engine = make_engine(f"n-{name}", manager=kind == "manager")
        labels = draw(st.sampled_from([{}, {"by-hand": "1"}, {"zone": "w", "deployer.labels": "zone"}]))
        member = make_member(f"n-{name}", "manager" if kind == "manager" else "worker", labels=labels)
        return replace(bare, engine=engine), [member]
    others: dict[str, Machine | Unreachable] = {
        "bare": bare,
        "engine": replace(bare, engine=make_engine()),
        "silent": replace(bare, engine=Silent("no")),
        "down": DOWN,
        "no sudo": replace(bare, privileged=False),
        "lost": replace(bare, interfaces=(("ens3", "10.9.9.9"),), engine=make_engine()),
    }
    return others[kind], []


def _alone(stack: StackObjects) -> StackObjects:
    """Without what needs something of the other stack."""
    return replace(stack, external=(), services=tuple(body for body in stack.services if '"s_' not in json.dumps(body)))
