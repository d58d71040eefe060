"""The registrator: its image and its container on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.diff.cause import Cause
from deployer.diff.change import Diff
from deployer.diff.consul import container_cause, hash_of_container, present, server_addresses, servers
from deployer.diff.machines import ContainerDiffers, advertise_address, usable
from deployer.model import labels
from deployer.model.observed import Engine, Machine, Observed
from deployer.model.registrator import Registrator
from deployer.model.secret import SecretFile
from deployer.model.subject import OfMachine

if TYPE_CHECKING:
    from deployer.diff.changes import Change
    from deployer.model.cluster import Cluster, Node


@dataclass(frozen=True)
class ImageMissing(OfMachine):
    """Our own image of the registrator, which no registry has."""

    node: str
    image: str
    base: str
    cause: Cause = Cause.NOT_FOUND


@dataclass(frozen=True)
class ImageSurplus(OfMachine):
    """An earlier image of our own registrator."""

    node: str
    image: str
    cause: Cause = Cause.SUPERSEDED


RegistratorChange = ImageMissing | ImageSurplus


CONTAINER: Final = "deployer-registrator"
ROLE: Final = "registrator"
PORT: Final = 8500
MEMORY: Final = 128 * 1024 * 1024
"""Bytes; with 500 containers it takes less than 80 MB."""
CPUS: Final = 1_000_000_000
"""Billionths of a processor: one."""
TOKEN: Final = "/registrator.token"  # noqa: S105 - where the file with it is
LOGS: Final = {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}}


def diff_registrators(cluster: Cluster, observed: Observed, commit: str) -> Diff:
    """Nothing where the cluster has no `registrator:` section.

    It speaks to its own machine's Consul, else to the first server's. While the address of that one is not known, what
    runs is left alone, and nothing is started that would not know where to go.
    """
    if cluster.registrator is None:
        return Diff(())
    changes: list[Change] = []
    unchanged = 0
    for node in cluster.nodes:
        machine = observed.machines[node.name]
        if not isinstance(machine, Machine) or not usable(node, machine):
            continue  # diff_engines says so
        address = advertise_address(node, machine)
        agent = _agent(cluster, node, observed)
        if address is None or agent is None:
            continue  # diff_swarm or diff_catalogue say so
        found = _changes(cluster, node, machine, registrator_body(cluster, node, address, agent, commit))
        changes += found
        unchanged += not found
    return Diff(tuple(changes), (), unchanged)


def _agent(cluster: Cluster, node: Node, observed: Observed) -> str | None:
    if node.consul:
        return "127.0.0.1"
    first = next(iter(servers(cluster)), None)
    return server_addresses(cluster, observed).get(first.name) if first else None


def _changes(cluster: Cluster, node: Node, machine: Machine, body: dict[str, Any]) -> list[Change]:
    registrator = cluster.registrator or Registrator()
    engine = machine.engine if isinstance(machine.engine, Engine) else None
    cause = container_cause(present(engine, ROLE), body, engine)
    if cause is None:
        return []
    image = body["Image"]
    ours = not registrator.image
    missing = ours and (engine is None or image not in engine.images)
    files = (SecretFile(TOKEN, cluster.secrets.token),) if cluster.secrets.token else ()
    container = ContainerDiffers(node.name, CONTAINER, image, body, cause, "registrator", files, _left(engine, body))
    return [ImageMissing(node.name, image, registrator.base), container] if missing else [container]


def _left(engine: Engine | None, body: dict[str, Any]) -> str:
    """Where the one that runs has registered, if the next one registers elsewhere: nobody else would ever clean up there."""
    there = present(engine, ROLE)
    before = there.labels.get(labels.JOINS, "") if there else ""
    return before if before != body["Labels"][labels.JOINS] else ""


def registrator_body(cluster: Cluster, node: Node, address: str, agent: str, commit: str) -> dict[str, Any]:
    """The body for `containers/create`; `agent` is the address of the Consul that it registers at.

    The socket lies where the old image's users have it. Our own program needs no rights but the socket's group, so it has
    none; a foreign image runs as its makers meant it to.
    """
    registrator = cluster.registrator or Registrator()
    host = f"[{agent}]" if ":" in agent else agent
    definition: dict[str, Any] = {
        "Image": cluster.registrator_image,
        "Hostname": node.name,
        "Cmd": [*registrator.flags, f"-ip={address}", f"consul://{host}:{PORT}"],
        "HostConfig": {
            "NetworkMode": "host",
            "RestartPolicy": {"Name": "always"},
            "Binds": ["/var/run/docker.sock:/tmp/docker.sock:ro"],
            "Memory": MEMORY,
            "NanoCpus": CPUS,
            "LogConfig": LOGS,
        },
    }
    if not registrator.image:
        definition["User"] = labels.SOCKET_USER
        definition["HostConfig"] |= {"CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges:true"]}
    if cluster.secrets.token:
        definition["Env"] = [f"CONSUL_HTTP_TOKEN_FILE={TOKEN}"]
    compared = definition | ({"Secrets": cluster.secrets.digest} if cluster.secrets.token else {})
    return definition | {
        "Labels": {
            labels.CLUSTER: cluster.name,
            labels.ROLE: ROLE,
            labels.HASH: hash_of_container(compared),
            labels.COMMIT: commit,
            labels.JOINS: agent,
        }
    }
