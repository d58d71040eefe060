"""Containers of the machines' own: Consul and the registrator."""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING, Any, Final

from deployer.docker import EngineError, segment
from deployer.errors import DeployerError, TimedOutError
from deployer.execute.images import ensure_image
from deployer.model import labels
from deployer.model.command import Command
from deployer.remote import ConnectionFailedError, TcpPort

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.model.secret import SecretFile
    from deployer.plan.operations import RunContainer
    from deployer.remote import Connection

STOP_SECONDS: Final = 30.0
SOCKET: Final = "/var/run/docker.sock"
NOBODY: Final = 65534
GROUP_MAY: Final = 0o060
CONSUL_PORT: Final = 8500


async def run_container(world: World, operation: RunContainer, tell: Callable[[str], None]) -> str:
    """Pull its image where it is missing, then take our container of that name away, and make and start this one."""
    engine = await world.engine(operation.node)
    await ensure_image(world, engine, operation.image, tell)
    text = json.dumps(operation.body)
    if labels.ENGINE_VERSION in text:
        text = text.replace(labels.ENGINE_VERSION, json.dumps(await engine.version())[1:-1])
    if labels.SOCKET_USER in text:
        text = text.replace(labels.SOCKET_USER, await _socket_user(await world.link.to(operation.node)))
    body = json.loads(text)
    cluster = body["Labels"][labels.CLUSTER]
    replaced = await stop_own(engine, operation.name, cluster)
    left = await _leave(world, operation, engine) if replaced and operation.leaves else ""
    if replaced:
        await engine.delete(f"/containers/{segment(operation.name)}", force=True)
    created = await engine.post("/containers/create", body, name=operation.name)
    if operation.files:
        await engine.unpack(created["Id"], _archive(operation.files, str(body.get("User", ""))))
    await engine.post(f"/containers/{segment(created['Id'])}/start")
    return left or ("replaced" if replaced else "")


def _archive(files: Sequence[SecretFile], user: str) -> bytes:
    """The files for that user alone; for everybody in the container where the image, and not we, says who it runs as.

    On the machine they lie below /var/lib/docker, which only root may enter.
    """
    import tarfile  # noqa: PLC0415 - 10 ms, and few containers need it

    owner, _, group = user.partition(":")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in files:
            content = file.content.reveal().encode()
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.size, entry.mode = len(content), 0o400 if owner else 0o444
            entry.uid, entry.gid = int(owner or 0), int(group or 0)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


async def _socket_user(connection: Connection) -> str:
    """`65534:GROUP`, the group being the one that may use the engine's socket there; root where none may."""
    told = await connection.run(Command(("stat", "-L", "-c", "%a %g", "--", SOCKET)))
    mode, _, group = told.stdout.strip().partition(" ")
    if not told.ok or not group.isdigit() or int(mode, 8) & GROUP_MAY != GROUP_MAY:
        return "0:0"
    return f"{NOBODY}:{group}"


async def stop_own(engine: Engine, name: str, cluster: str) -> bool:
    """Whether there is one."""
    try:
        present: Any = await engine.get(f"/containers/{segment(name)}/json")
    except EngineError as error:
        if error.status == 404:
            return False
        raise
    if (present["Config"].get("Labels") or {}).get(labels.CLUSTER) != cluster:
        raise DeployerError(f"a container {name} is there that is not this cluster's", help="remove or rename it")
    # Stopped first: a database such as Consul's is to be closed properly.
    await engine.post_slowly(f"/containers/{segment(name)}/stop", {}, STOP_SECONDS, t=15)
    return True


async def _leave(world: World, operation: RunContainer, engine: Engine) -> str:
    """Take out what the stopped registrator of this machine has at its old Consul; a run that is killed here does it again."""
    return f"replaced; {await take_out(world, operation.node, operation.leaves, engine)}"


async def take_out(world: World, node: str, address: str, engine: Engine) -> str:
    """Take what the registrator of a machine has registered out of the Consul at `address`, as seen from there.

    A Consul that does not answer any more has nothing that anybody could see.
    """
    from deployer.consul import Catalogue, ConsulError  # noqa: PLC0415 - few registrators move

    own = str((await engine.get("/info")).get("ID") or "")
    connection, token = await world.link.to(node), world.link.cluster.secrets.token
    with contextlib.closing(Catalogue(connection, token, TcpPort(address, CONSUL_PORT))) as old:
        try:
            mine = [str(entry["ID"]) for entry in await old.registered() if made_by(entry, own, node)]
            for identifier in mine:
                await old.deregister(identifier)
        except (ConnectionFailedError, TimedOutError, ConsulError) as error:
            return f"what it registered may stay in the Consul at {address}: {error.message}"
    return f"{len(mine)} taken out of the Consul at {address}"


def made_by(entry: Mapping[str, Any], engine: str, machine: str) -> bool:
    """By its mark, which has the engine's id; a foreign registrator's by the form of its ids, `host:container:port`."""
    mark = (entry.get("Meta") or {}).get("registrator-engine")
    return mark == engine if mark and engine else str(entry["ID"]).startswith(f"{machine}:")
