"""Containers of the cluster's own on machines: Consul's and the registrator's."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
from typing import TYPE_CHECKING, Any, Final

from deployer.consul import Catalogue, ConsulError
from deployer.docker import EngineError, segment
from deployer.errors import DeployerError, TimedOutError
from deployer.execute.pull import ensure_image
from deployer.model import labels
from deployer.model.command import Command
from deployer.remote import ConnectionFailedError, TcpPort

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.model.secret import SecretFile
    from deployer.plan.machines import RetireContainer, RunContainer
    from deployer.remote import Connection


STOP_SECONDS: Final = 30.0
SOCKET: Final = "/var/run/docker.sock"
NOBODY: Final = 65534
GROUP_MAY: Final = 0o060
CONSUL_PORT: Final = 8500
BECOMES: Final = {"consul": "consul"}
"""By role: the user of its image as whom a container goes on that began as root (hashicorp/consul, docker-entrypoint.sh)."""
PASSWD_LIMIT: Final = 1 << 20
NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
"""Of a user or a group."""


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
        owner = await _reader(engine, created["Id"], body)
        await engine.unpack(created["Id"], _archive(operation.files, owner))
    await engine.post(f"/containers/{segment(created['Id'])}/start")
    return left or ("replaced" if replaced else "")


async def _reader(engine: Engine, container: str, body: Mapping[str, Any]) -> tuple[int, int]:
    """The user and group that read the container's files: whom we, or its image, have it run as; root where nobody says.

    An image that begins as root and becomes somebody else is Consul's: its own entry point goes on as BECOMES says.
    """
    told = await engine.get(f"/containers/{segment(container)}/json")
    user, _, group = str((told.get("Config") or {}).get("User") or body.get("User") or "").partition(":")
    known = {} if user.isdigit() and group.isdigit() else await _users(engine, container)
    if user in {"", "0", "root"}:
        user = BECOMES.get(str(body["Labels"].get(labels.ROLE)), "")
        if user not in known:
            return 0, 0
    uid, gid = known.get(user) or (int(user) if NUMBER.fullmatch(user) else 0, 0)
    return uid, int(group) if NUMBER.fullmatch(group) else gid


async def _users(engine: Engine, container: str) -> dict[str, tuple[int, int]]:
    """The users of the container's /etc/passwd by name and by number, each with its id and its group's; none where it has no such file."""
    try:
        packed = await engine.raw(f"/containers/{segment(container)}/archive", path="/etc/passwd")
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as archive:
            file = archive.extractfile("passwd")
            text = file.read(PASSWD_LIMIT).decode("utf-8", "replace") if file else ""
    except EngineError as error:
        if error.status == 404:
            return {}
        raise
    except (tarfile.TarError, KeyError):
        return {}
    users: dict[str, tuple[int, int]] = {}
    for line in text.splitlines():
        name, *more = line.split(":")
        if len(more) >= 3 and NUMBER.fullmatch(more[1]) and NUMBER.fullmatch(more[2]):
            place = int(more[1]), int(more[2])
            users.setdefault(name, place)
            users.setdefault(more[1], place)
    return users


def _archive(files: Sequence[SecretFile], owner: tuple[int, int]) -> bytes:
    """The files for that user alone. On the machine they lie below /var/lib/docker, which only root may enter."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in files:
            content = file.content.reveal().encode()
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.size, entry.mode = len(content), 0o400
            entry.uid, entry.gid = owner
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
    """Stop our container of that name, if there is one; whether there was. Raises DeployerError where it is not this cluster's."""
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
    """Whether a registrator of this machine has made the entry.

    Ours leaves a mark with the engine's id; a foreign one makes ids of the form `host:container:port`.
    """
    mark = (entry.get("Meta") or {}).get("registrator-engine")
    return mark == engine if mark and engine else str(entry["ID"]).startswith(f"{machine}:")


async def retire_container(world: World, operation: RetireContainer) -> str:
    """Stop and remove the container. Each part looks first, so that the next run does the rest of one that was killed."""
    engine = await world.engine(operation.node)
    path = f"/containers/{segment(operation.name)}"
    said = ""
    if operation.role == "Consul":
        said = await _leave_consul(world, operation)
    if not await stop_own(engine, operation.name, world.link.cluster.name):
        return "already gone"
    if operation.role != "Consul" and operation.leaves:
        said = await take_out(world, operation.node, operation.leaves, engine)
    await engine.delete(path, force=True)  # and not `v=true`: volumes stay
    return said


async def _leave_consul(world: World, operation: RetireContainer) -> str:
    """Stopped without a word, a server would be waited for by the others: two of three that go so take the leader with them.

    Docker would start it again when it has left, so that is switched off first.
    """
    engine = await world.engine(operation.node)
    with contextlib.suppress(EngineError):
        policy = {"RestartPolicy": {"Name": "no"}}
        await engine.post(f"/containers/{segment(operation.name)}/update", policy)
    connection, token = await world.link.to(operation.node), world.link.cluster.secrets.token
    with contextlib.closing(Catalogue(connection, token)) as catalogue:
        try:
            await catalogue.leave()
        except (ConnectionFailedError, TimedOutError, ConsulError) as error:
            return f"it did not take its leave: {error.message}"
    return ""
