"""Nouns of the model in one line each, with defaults that a small healthy cluster has; tests say only what they are about."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from deployer.diff.stacks import stamp_service
from deployer.model.cluster import Availability, Cluster, Consul, ConsulRole, Engine, Install, Node, Role, Ssh
from deployer.model.desired import Desired
from deployer.model.observed import (
    CatalogueNode,
    Container,
    LiveObject,
    LiveService,
    Machine,
    Member,
    Membership,
    Observed,
    OperatingSystem,
    Swarm,
    Unreachable,
)
from deployer.model.observed import Engine as LiveEngine
from deployer.model.stack import Body, StackObjects, StackSettings, StackSource

CLUSTER = "sandbox"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHORT = "0123456789"
EARLIER = "fedcba9876543210fedcba9876543210fedcba98"
DEBIAN = OperatingSystem("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
DOWN = Unreachable("no answer within 5 s", "is it on?")


def node(
    name: str,
    role: Role = "worker",
    *,
    address: str = "192.0.2.1",
    advertise: str | None = "eth0",
    labels: Mapping[str, str] | None = None,
    availability: Availability = "active",
    consul_server: bool = False,
    consul: ConsulRole | None = None,
    install: Install = "distro",
    daemon: Mapping[str, Any] | None = None,
) -> Node:
    return Node(
        name=name,
        address=address,
        role=role,
        advertise=advertise,
        labels=tuple(sorted((labels or {}).items())),
        availability=availability,
        consul="server" if consul_server else consul,
        ssh=Ssh(),
        engine=Engine(install=install, daemon=dict(daemon or {})),
        path=f"cluster/nodes/{name}.yaml",
    )


def cluster(*nodes: Node, consul: Consul | None = None) -> Cluster:
    return Cluster(CLUSTER, tuple(sorted(nodes, key=lambda node: node.name)), consul, "")


def engine(
    node_id: str = "",
    *,
    manager: bool = False,
    state: str = "",
    version: str = "26.1.5",
    swarm: str = "swarm1",
    containers: tuple[Container, ...] = (),
) -> LiveEngine:
    """An engine; with a `node_id` it is in the swarm."""
    membership = Membership(
        state or ("active" if node_id else "inactive"), node_id, "", manager, swarm if manager else ""
    )
    return LiveEngine(version, membership, containers)


def machine(address: str = "10.0.0.1", engine: Any = None, **changes: Any) -> Machine:
    """A machine with one interface, eth0, and no engine unless one is given."""
    bare = Machine(
        os=DEBIAN,
        architecture="x86_64",
        privileged=True,
        interfaces=(("lo", "127.0.0.1"), ("eth0", address)),
        default_interface="eth0",
        daemon_json=None,
        engine=engine,
    )
    return replace(bare, **changes)


def member(
    node_id: str,
    role: Literal["manager", "worker"] = "worker",
    *,
    availability: str = "active",
    labels: Mapping[str, str] | None = None,
    state: str = "ready",
) -> Member:
    """By an id such as `n-master`: an earlier run has said whose it is."""
    mine = {"deployer.cluster": CLUSTER, "deployer.node": node_id.removeprefix("n-")}
    return Member(
        node_id, 7, node_id, role, availability, mine | dict(labels or {}), state, "", leader=role == "manager"
    )


def swarm(
    *members: Member,
    via: str = "master",
    services: tuple[LiveService, ...] = (),
    objects: tuple[LiveObject, ...] = (),
) -> Swarm:
    return Swarm(via, "swarm1", members, services, objects)


def observed(
    machines: Mapping[str, Machine | Unreachable],
    swarm: Swarm | None = None,
    catalogue: tuple[CatalogueNode, ...] | Unreachable | None = None,
) -> Observed:
    return Observed(machines, swarm, catalogue)


def service(name: str, replicas: int | None = None, image: str = "app:1", **sections: Any) -> dict[str, Any]:
    """A body as `docker stack deploy` sends it; `sections` replace top-level keys."""
    return {
        "Name": name,
        "Labels": {"com.docker.stack.namespace": name.partition("_")[0]},
        "TaskTemplate": {"ContainerSpec": {"Image": image}},
        "Mode": {"Replicated": {} if replicas is None else {"Replicas": replicas}},
        "EndpointSpec": {},
        **sections,
    }


def with_container(body: Body, **changes: Any) -> dict[str, Any]:
    template = body["TaskTemplate"]
    return {**body, "TaskTemplate": {**template, "ContainerSpec": {**template["ContainerSpec"], **changes}}}


def with_template(body: Body, **changes: Any) -> dict[str, Any]:
    return {**body, "TaskTemplate": {**body["TaskTemplate"], **changes}}


def network(name: str, **options: Any) -> dict[str, Any]:
    return {"Name": name, "Driver": "overlay", "Labels": {"com.docker.stack.namespace": name}, **options}


def content(name: str) -> dict[str, Any]:
    """A config or a secret."""
    return {"Name": name, "Data": "aGk=", "Labels": {}}


def stack(name: str, *services: Body, **parts: Any) -> StackObjects:
    sections: dict[str, Any] = {"networks": (), "configs": (), "secrets": (), "external": (), "order": (), **parts}
    return StackObjects(stack=name, services=services, **sections)


def source(name: str, *after: str, wait: str = "180s") -> StackSource:
    settings = StackSettings(after=after, wait=wait)
    return StackSource(name, f"stacks/{name}/compose.yaml", f"stacks/{name}", "compose.yaml", (), settings, name)


def desired(cluster: Cluster, *sources: StackSource, commit: str = COMMIT) -> Desired:
    return Desired(commit, cluster, tuple(sorted(sources, key=lambda source: source.name)))


def live(
    body: Body,
    *,
    version: int = 11,
    running: int | None = None,
    wanted: int | None = None,
    update_state: str = "",
    commit: str = EARLIER,
) -> LiveService:
    """The service that an earlier run made of this body, running in full unless said otherwise."""
    spec = stamp_service(body, CLUSTER, str(body["Name"]).partition("_")[0], commit)
    count = (body["Mode"].get("Replicated") or {}).get("Replicas", 1) if wanted is None else wanted
    return LiveService(f"id-{body['Name']}", version, spec, count if running is None else running, count, update_state)


def owned(kind: Literal["network", "config", "secret"], body: Body) -> LiveObject:
    """The object that an earlier run made of this body."""
    labels = {**(body.get("Labels") or {}), "deployer.cluster": CLUSTER}
    return LiveObject(kind, f"id-{body['Name']}", body["Name"], labels, {**body, "Labels": labels})


def foreign(kind: Literal["network", "config", "secret"], body: Body) -> LiveObject:
    return LiveObject(kind, f"id-{body['Name']}", body["Name"], body.get("Labels") or {}, body)
