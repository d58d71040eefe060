"""Any cluster and any commit: the plan can be done as it stands, and after it there is nothing left to do.

The cluster is a model: each step changes an `Observed` as a real engine, swarm or Consul would.
"""

import json
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.diff import diff
from deployer.diff.services import references
from deployer.model.cluster import Cluster, Consul
from deployer.model.desired import Desired
from deployer.model.observed import (
    CatalogueNode,
    Container,
    Engine,
    LiveObject,
    LiveService,
    Machine,
    Observed,
    Silent,
    Swarm,
    Unreachable,
)
from deployer.model.registrator import Registrator
from deployer.model.stack import Dependency, StackObjects
from deployer.plan import Plan, build_plan, plan_text
from deployer.plan.operations import (
    AwaitConsul,
    AwaitServices,
    BuildImage,
    CreateObject,
    CreateService,
    InitSwarm,
    InstallEngine,
    JoinSwarm,
    Operation,
    RegisterNode,
    RemoveObject,
    RemoveService,
    ReplaceNetwork,
    ReplaceService,
    RollBackStack,
    RunContainer,
    UpdateMember,
    UpdateService,
    WriteDaemonJson,
)
from tests.literals.desired import make_cluster, make_desired, make_node, make_source
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.stacks import (
    deploy_object,
    deploy_service,
    make_content,
    make_network,
    make_service,
    make_stack,
    with_container,
    with_template,
)
from tests.literals.swarm import make_member, make_observed, make_swarm

NAMES = ("a", "b", "c", "d")


def reached(seen: Observed, name: str) -> Machine:
    there = seen.machines[name]
    assert isinstance(there, Machine), f"a step on {name}, which is unreachable"
    return there


def running(seen: Observed, name: str) -> Engine:
    there = reached(seen, name).engine
    assert isinstance(there, Engine), f"a step that needs the engine of {name}, which has none"
    return there


def changed(seen: Observed, name: str, **changes: Any) -> Observed:
    return replace(seen, machines={**seen.machines, name: replace(reached(seen, name), **changes)})


def perform(seen: Observed, operation: Operation, plan: Plan) -> Observed:  # noqa: C901, PLR0911, PLR0912, PLR0915 - one case an operation
    match operation:
        case InstallEngine(name):
            assert reached(seen, name).engine is None
            return changed(seen, name, engine=make_engine())
        case WriteDaemonJson(name, text, effect):
            assert (effect == "none") == (reached(seen, name).engine is None)
            return changed(seen, name, daemon_json=text)
        case InitSwarm(name):
            assert seen.swarm is None
            assert running(seen, name).membership.state == "inactive"
            joined = changed(seen, name, engine=replace(make_engine(f"n-{name}", manager=True)))
            return replace(joined, swarm=make_swarm(make_member(f"n-{name}", "manager"), via=name))
        case JoinSwarm(name, role, _, via):
            assert seen.swarm is not None
            assert running(seen, via).membership.manager
            assert running(seen, name).membership.state == "inactive"
            joined = changed(
                seen,
                name,
                engine=replace(
                    make_engine(f"n-{name}", manager=role == "manager"),
                    containers=running(seen, name).containers,
                    images=running(seen, name).images,
                ),
            )
            members = (*seen.swarm.members, make_member(f"n-{name}", role))
            return replace(joined, swarm=replace(seen.swarm, members=members))
        case UpdateMember(name, via, role, availability, labels):
            assert seen.swarm is not None
            assert running(seen, via).membership.manager
            there = running(seen, name)
            member_id = there.membership.node_id
            others = [m for m in seen.swarm.members if m.id != member_id]
            (old,) = (m for m in seen.swarm.members if m.id == member_id)
            assert role == "manager" or any(m.role == "manager" for m in others), "the last manager is demoted"
            membership = replace(
                there.membership, manager=role == "manager", cluster_id="swarm1" if role == "manager" else ""
            )
            updated = replace(old, role=role, availability=availability, labels=labels)
            return replace(
                changed(seen, name, engine=replace(there, membership=membership)),
                swarm=replace(seen.swarm, members=(*others, updated)),
            )
        case RunContainer(name, container, image, body):
            there = running(seen, name)
            told = json.loads(json.dumps(dict(body["Labels"])).replace("${ENGINE_VERSION}", there.version))
            others_there = tuple(one for one in there.containers if one.name != container)
            made_now = Container("c", container, "running", told, image)
            if container == "deployer-registrator":
                assert image in there.images, "run before it is built"
            return changed(seen, name, engine=replace(there, containers=(*others_there, made_now)))
        case BuildImage(name, image, _):
            there = running(seen, name)
            assert image not in there.images
            return changed(seen, name, engine=replace(there, images=(*there.images, image)))
        case AwaitConsul(name):
            assert any(container.state == "running" for container in running(seen, name).containers)
            known = seen.catalogue if isinstance(seen.catalogue, tuple) else ()
            return replace(seen, catalogue=known)
        case RegisterNode(name, via, address, meta):
            assert isinstance(seen.catalogue, tuple), "registered before Consul answers"
            assert any(container.state == "running" for container in running(seen, via).containers)
            told = {key: value.replace("${ENGINE_VERSION}", running(seen, name).version) for key, value in meta.items()}
            others_known = tuple(entry for entry in seen.catalogue if entry.name != name)
            return replace(seen, catalogue=(*others_known, CatalogueNode(name, address, told)))
        case CreateObject(kind, _, name, body):
            swarm_now = spoken_to(seen, plan)
            assert (kind, name) not in {(found.kind, found.name) for found in swarm_now.objects}
            made = LiveObject(kind, f"id-{name}", name, body["Labels"], body)
            return replace(seen, swarm=replace(swarm_now, objects=(*swarm_now.objects, made)))
        case CreateService(_, name, body):
            swarm_now = spoken_to(seen, plan)
            assert name not in {found.name for found in swarm_now.services}
            return replace(
                seen, swarm=replace(swarm_now, services=(*swarm_now.services, stored(seen, f"id-{name}", 1, body)))
            )
        case UpdateService(_, name, body, was):
            swarm_now = spoken_to(seen, plan)
            assert was in swarm_now.services
            assert (was.spec["Mode"].keys()) == body["Mode"].keys()
            rest = tuple(found for found in swarm_now.services if found.name != name)
            made_anew = stored(seen, was.id, was.version + 1, body)
            return replace(seen, swarm=replace(swarm_now, services=(*rest, made_anew)))
        case RemoveService(_, _, was):
            swarm_now = spoken_to(seen, plan)
            assert was in swarm_now.services
            return replace(seen, swarm=without_service(swarm_now, was.id))
        case ReplaceService(stack_name, name, body, was):
            without = perform(seen, RemoveService(stack_name, name, was), plan)
            return perform(without, CreateService(stack_name, name, body), plan)
        case RemoveObject(kind, _, name, identifier):
            swarm_now = spoken_to(seen, plan)
            used = {target for found in swarm_now.services for _, target in references(found.spec)}
            assert not {identifier, name} & used, f"{kind} {name} is removed while it is used"
            left = tuple(found for found in swarm_now.objects if (found.kind, found.id) != (kind, identifier))
            assert len(left) == len(swarm_now.objects) - 1
            return replace(seen, swarm=replace(swarm_now, objects=left))
        case ReplaceNetwork(stack_name, name, identifier, body):
            without = perform(seen, RemoveObject("network", stack_name, name, identifier), plan)
            return perform(without, CreateObject("network", stack_name, name, body), plan)
        case AwaitServices(_, names):
            swarm_now = spoken_to(seen, plan)
            assert set(names) <= {found.name for found in swarm_now.services}
            settled = tuple(
                replace(found, running=found.wanted, update_state="completed") if found.name in names else found
                for found in swarm_now.services
            )
            return replace(seen, swarm=replace(swarm_now, services=settled))
        case RollBackStack():
            return seen  # here nothing fails
        case _:
            raise AssertionError(f"only upkeep does that: {operation}")


def without_service(swarm_now: Swarm, identifier: str) -> Swarm:
    return replace(swarm_now, services=tuple(one for one in swarm_now.services if one.id != identifier))


def spoken_to(seen: Observed, plan: Plan) -> Any:
    assert seen.swarm is not None
    assert running(seen, plan.manager).membership.manager, "the manager that is asked is none (any more)"
    return seen.swarm


def stored(seen: Observed, identifier: str, version: int, body: Any) -> LiveService:
    """A body as an engine stores it: names of networks become ids, configs must exist, defaults are filled in."""
    assert seen.swarm is not None
    ids = {found.name: found.id for found in seen.swarm.objects if found.kind == "network"}
    configs = {found.name for found in seen.swarm.objects if found.kind == "config"}
    template = body["TaskTemplate"]
    for reference in template["ContainerSpec"].get("Configs") or ():
        assert reference["ConfigName"] in configs
    attached = [{**one, "Target": ids.get(one["Target"], one["Target"])} for one in template.get("Networks") or ()]
    mode = body["Mode"]
    if "Replicated" in mode:
        mode = {"Replicated": {"Replicas": mode["Replicated"].get("Replicas", 1)}}
    spec = {
        **with_template(body, Networks=attached, Runtime="container"),
        "Mode": mode,
        "EndpointSpec": {"Mode": "vip"},
    }
    wanted = mode["Replicated"]["Replicas"] if "Replicated" in mode else 1
    return LiveService(identifier, version, spec, 0, wanted, "updating" if version > 1 else "")


roles = st.sampled_from(["manager", "manager", "worker", "none"])
daemons = st.sampled_from([{}, {}, {"mtu": 1400}, {"debug": True}, {"debug": True, "mtu": 1500}])
nodes = st.builds(
    lambda role, labels, availability, daemon, install: (role, labels, availability, daemon, install),
    roles,
    st.dictionaries(st.sampled_from(["zone", "disk"]), st.sampled_from(["x", ""]), max_size=2),
    st.sampled_from(["active", "active", "drain"]),
    daemons,
    st.sampled_from(["distro", "distro", "none"]),
)
states = st.sampled_from(["bare", "bare", "engine", "member", "member", "manager", "silent", "down", "no sudo", "lost"])
counts = st.one_of(st.none(), st.integers(min_value=0, max_value=3))
update_states = st.sampled_from(["", "completed", "updating", "paused", "rollback_paused", "rollback_completed"])


def clusters(draw: Any) -> Cluster:
    servers = draw(st.sampled_from([*NAMES, "", "abc", "bcd"]))
    agents = draw(st.sampled_from(["", "d", "ab"])) if servers else ""
    registrator = Registrator() if servers and draw(st.booleans()) else None
    made = make_cluster(
        *(
            make_node(
                name,
                role,
                labels=labels,
                availability=availability,
                consul="server" if name in servers else "agent" if name in agents else None,
                install=install,
                daemon=daemon,
            )
            for name in NAMES
            for role, labels, availability, daemon, install in [draw(nodes)]
        ),
        consul=Consul() if servers or draw(st.booleans()) else None,
    )
    return replace(made, registrator=registrator, registrator_image="deployer-registrator:0" if registrator else "")


def bodies(draw: Any, stack_name: str, *, deployed: bool) -> list[dict[str, Any]]:
    found = []
    for name in draw(st.lists(st.sampled_from(["x", "y", "z"]), unique=True)):
        body = make_service(f"{stack_name}_{name}", draw(counts), draw(st.sampled_from(["app:1", "app:2"])))
        if draw(st.integers(0, 3)) == 0:
            body |= {"Mode": {"Global": {}}}
        if draw(st.booleans()):
            target = draw(st.sampled_from(["s_n", "t_n"]))
            body = with_template(body, Networks=[{"Target": f"id-{target}" if deployed else target}])
        if not deployed and draw(st.booleans()):
            body = with_container(body, Configs=[{"ConfigName": "s_c"}])
        found.append(body)
    return found


def before(draw: Any) -> Observed:
    """A cluster in any state: as bare machines, or as somebody or an earlier run left it."""
    machines: dict[str, Machine | Unreachable] = {}
    members = []
    for name in NAMES:
        state = draw(states)
        daemon_json = draw(st.sampled_from([None, "", "{}", '{"mtu": 1500}', "{"]))
        there = make_machine(f"10.0.0.{NAMES.index(name) + 1}", daemon_json=daemon_json)
        if state in {"member", "manager"}:
            manager = state == "manager"
            machines[name] = replace(there, engine=make_engine(f"n-{name}", manager=manager))
            labels = draw(st.sampled_from([{}, {"by-hand": "1"}, {"zone": "w", "deployer.labels": "zone"}]))
            members.append(make_member(f"n-{name}", "manager" if manager else "worker", labels=labels))
        else:
            others: dict[str, Machine | Unreachable] = {
                "bare": there,
                "engine": replace(there, engine=make_engine()),
                "silent": replace(there, engine=Silent("no")),
                "down": DOWN,
                "no sudo": replace(there, privileged=False),
                "lost": replace(there, interfaces=(("ens3", "10.9.9.9"),), engine=make_engine()),
            }
            machines[name] = others[state]
    leading = [found for found in members if found.role == "manager"]
    if not leading:
        return make_observed(machines, None, draw(st.sampled_from([None, ()])))
    services = tuple(
        deploy_service(
            body, version=2, update_state=draw(update_states), running=draw(st.integers(min_value=0, max_value=3))
        )
        for stack_name in "st"
        for body in bodies(draw, stack_name, deployed=True)
    )
    objects = tuple(
        deploy_object("network", make_network(name)) for name in ("s_n", "t_n") if draw(st.booleans()) or services
    )
    seen = make_swarm(*members, via=leading[0].id.removeprefix("n-"), services=services, objects=objects)
    return make_observed(machines, seen, draw(st.sampled_from([None, (), Unreachable("No cluster leader")])))


def stacks(draw: Any) -> tuple[StackObjects, ...]:
    return (
        make_stack(
            "s", *bodies(draw, "s", deployed=False),
            networks=(make_network("s_n", Internal=draw(st.booleans())),), configs=(make_content("s_c"),), external=(("network", "t_n"),),
            order=(Dependency("s_x", "s_y"), Dependency("s_y", "s_z")),
        ),
        make_stack(
            "t", *bodies(draw, "t", deployed=False),
            networks=(make_network("t_n"),), external=(("network", "s_n"), ("config", "s_c")),
        ),
    )  # fmt: skip


def alone(of: StackObjects) -> StackObjects:
    """Without what needs something of the other stack."""
    return replace(of, external=(), services=tuple(body for body in of.services if '"s_' not in json.dumps(body)))


def decide(wanted: Desired, objects: tuple[StackObjects, ...], seen: Observed) -> Plan:
    return build_plan(diff(wanted, objects, seen), wanted, objects, seen)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_what_can_be_done_is_done_by_one_plan(data: st.DataObject) -> None:
    sources = [make_source("s", *data.draw(st.sampled_from([(), ("t",)]))), make_source("t")]
    objects = stacks(data.draw)
    if data.draw(st.integers(0, 3)) == 0:  # git does not have the other one any more
        sources, objects = [make_source("t")], (alone(objects[1]),)
    wanted = make_desired(clusters(data.draw), *sources)
    seen = before(data.draw)
    if isinstance(seen.catalogue, Unreachable):
        # That is what `observe` says of a server that runs: its container is there.
        seen = replace(seen, catalogue=None)
    plan = decide(wanted, objects, seen)
    for step in plan.steps:
        assert all(0 < earlier < step.number for earlier in (*step.needs, *step.follows))
        seen = perform(seen, step.operation, plan)

    again = decide(wanted, objects, seen)
    assert again.steps == (), plan_text(plan) + plan_text(again)
    assert again.blocked == plan.blocked
