"""Ask a machine for its facts, and its engine at the same time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from deployer.certificates.place import fingerprints
from deployer.docker import Engine as EngineApi
from deployer.docker import EngineError
from deployer.errors import DeployerError, TimedOutError
from deployer.model import labels
from deployer.model.observed import Container, Engine, Machine, Membership, Silent, TlsListener, Unreachable
from deployer.model.project import PROJECT, SERVICE, ProjectContainer
from deployer.observe.facts import facts_command, read_facts
from deployer.remote import ConnectionFailedError
from deployer.remote.together import together
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from deployer.observe.facts import Facts, TlsFacts
    from deployer.remote import Link

with defer_imports():
    from deployer.certificates import read as certificate_reader

_NO_FACTS: Final = ("its login shell answered, but not with the facts asked for", "try `ssh` to it by hand")


async def observe_machine(
    link: Link, name: str, cluster: str, engines: dict[str, EngineApi], images: str = ""
) -> Machine | Unreachable:
    """Facts and engine of the machine `name`; Unreachable where it cannot be asked, with the reason.

    `cluster` is the cluster's name: only containers with its label are looked at. The engine goes into `engines`.
    `images` is the name of those that are asked for; empty where none is.
    """
    try:
        connection = await link.to(name)
        engines[name] = EngineApi(connection)
        async with together() as group:
            telling = group.create_task(connection.run(facts_command(root=_by_password(link, name))))
            engine_telling = group.create_task(observe_engine(engines[name], cluster, images))
    except DeployerError as error:
        return Unreachable(error.message, error.help)
    engine = engine_telling.result()
    facts = read_facts(telling.result().stdout)
    if not facts.architecture:
        return Unreachable(*_NO_FACTS)
    return _machine(facts, None if isinstance(engine, Silent) and not facts.has_engine else engine)


async def observe_facts(link: Link, name: str) -> Machine:
    """The facts of one machine; its engine is not asked. Raises ConnectionFailedError, TimedOutError."""
    connection = await link.to(name)
    facts = read_facts((await connection.run(facts_command(root=_by_password(link, name)))).stdout)
    if not facts.architecture:
        raise ConnectionFailedError(_NO_FACTS[0], help=_NO_FACTS[1])
    return _machine(facts, None)


def _by_password(link: Link, name: str) -> bool:
    return link.cluster.node(name).ssh.sudo == "password"


def _machine(facts: Facts, engine: Engine | Silent | None) -> Machine:
    return Machine(
        os=facts.os,
        architecture=facts.architecture,
        privileged=facts.privileged,
        interfaces=facts.interfaces,
        default_interface=facts.default_interface,
        daemon_json=facts.daemon_json,
        engine=engine,
        tls=_listener(facts.tls) if facts.tls else None,
        small_mtus=facts.small_mtus,
        clock_ahead=facts.clock - time.time() if facts.clock is not None else 0.0,
    )


def _listener(told: TlsFacts) -> TlsListener:
    names, end = certificate_reader.read_certificate(told.certificate)
    return TlsListener(told.command, told.stock, names, fingerprints(told.trusted.encode()), end - time.time())


async def observe_engine(engine: EngineApi, cluster: str, images: str = "") -> Engine | Silent:
    """Version, place in a swarm, and this cluster's own containers. Silent where nothing answers on the socket."""
    ours = {"label": [f"{labels.CLUSTER}={cluster}"]}  # tasks of the swarm have no such label, their services do
    try:
        version = await engine.version()
        async with together() as group:
            info = group.create_task(engine.get("/info"))
            containers = group.create_task(engine.get("/containers/json", all=True, filters=ours))
            built = group.create_task(engine.get("/images/json", filters={"reference": [images]})) if images else None
        place = membership(info.result().get("Swarm") or {})
        tags = tuple(sorted(tag for told in (built.result() if built else ()) for tag in told.get("RepoTags") or ()))
        listed = containers.result()
        own = tuple(_container(told) for told in listed if labels.ROLE in (told["Labels"] or {}))
        projects = tuple(read_project_container(told) for told in listed if PROJECT in (told["Labels"] or {}))
        return Engine(version, place, own, tags, projects)
    except (ConnectionFailedError, TimedOutError, EngineError) as error:
        return Silent(error.message)
    except (AttributeError, KeyError, TypeError):
        return Silent("what answers at the engine's socket is no Docker engine")


def membership(swarm: Mapping[str, Any]) -> Membership:
    """The `Swarm` section of `/info`."""
    return Membership(
        state=str(swarm.get("LocalNodeState") or "inactive"),
        node_id=str(swarm.get("NodeID") or ""),
        address=str(swarm.get("NodeAddr") or ""),
        manager=bool(swarm.get("ControlAvailable")),
        cluster_id=str((swarm.get("Cluster") or {}).get("ID") or ""),
    )


def read_project_container(told: Mapping[str, Any]) -> ProjectContainer:
    """An entry of `/containers/json` that compose made. Only `Status` tells of health and exit codes: `Up 2 minutes (healthy)`."""
    marks, status, state = told["Labels"], str(told.get("Status") or ""), str(told.get("State") or "")
    names = told.get("Names") or [""]
    well = state == "running" and not status.endswith(("(unhealthy)", "(health: starting)"))
    return ProjectContainer(
        project=str(marks[PROJECT]),
        service=str(marks.get(SERVICE, "")),
        name=str(names[0]).lstrip("/"),
        hash=str(marks.get(labels.HASH, "")),
        image=str(told.get("Image", "")),
        state=state,
        healthy=well or status.startswith("Exited (0)"),
    )


def _container(told: Mapping[str, Any]) -> Container:
    """An entry of `/containers/json`: names there begin with a slash."""
    names = told.get("Names") or [""]
    return Container(
        id=str(told["Id"]),
        name=str(names[0]).lstrip("/"),
        state=str(told.get("State", "")),
        labels=told.get("Labels") or {},
        image=str(told.get("Image", "")),
    )
