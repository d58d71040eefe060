"""Start machines, all side by side, until they answer over SSH."""

from __future__ import annotations

import io
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from deployer.errors import DeployerError
from deployer.sandbox import bodies
from deployer.sandbox.keys import parse_host_keys
from deployer.sandbox.labels import MACHINE_LABEL, container_name
from deployer.sandbox.observe import ssh_answers
from deployer.sandbox.spec import Machine

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from docker import DockerClient

BOOT_SECONDS = 90.0
ADMIN_ID = 1000
READ_KEYS = ("sh", "-c", "test ! -e /run/nologin && cat /etc/ssh/ssh_host_*_key.pub")


def ensure_machines(
    client: DockerClient,
    sandbox: str,
    addresses: Mapping[str, str],
    present: list[dict[str, Any]],
    image: str,
    public_key: str,
    *,
    stopped: threading.Event,
) -> tuple[Machine, ...]:
    """Create, start and wait for the machines in `addresses` (name to address); `present` are list entries of those there.

    Raises DeployerError naming a machine that does not answer within 90 s of its start; `stopped` ends the waiting.
    """
    there = {entry["Labels"][MACHINE_LABEL]: entry for entry in present if MACHINE_LABEL in entry["Labels"]}

    def ensure(name: str) -> Machine:
        address = addresses[name]
        container = there[name]["Id"] if name in there else _create(client, sandbox, name, address, image)
        if name in there and there[name]["State"] == "paused":
            client.api.unpause(container)
        # The keys go in on every `up`: one that was killed between create and start left a machine without them.
        client.api.put_archive(container, "/", authorized_keys(public_key))
        client.api.start(container)
        return Machine(name, address, "running", ssh=True, host_keys=_wait(client, container, name, address, stopped))

    with ThreadPoolExecutor(max_workers=len(addresses)) as pool:
        return tuple(pool.map(ensure, addresses))


def _create(client: DockerClient, sandbox: str, name: str, address: str, image: str) -> str:
    body = bodies.machine(sandbox, name, address, image)
    created = client.api.create_container_from_config(body, name=container_name(sandbox, name))
    return str(created["Id"])


def authorized_keys(public_key: str) -> bytes:
    """A tar archive that lets `public_key` in as root and as admin."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for home, owner in (("root", 0), ("home/admin", ADMIN_ID)):
            directory = tarfile.TarInfo(f"{home}/.ssh")
            directory.type, directory.mode = tarfile.DIRTYPE, 0o700
            file = tarfile.TarInfo(f"{home}/.ssh/authorized_keys")
            file.mode, file.size = 0o600, len(public_key.encode())
            for member in (directory, file):
                member.uid = member.gid = owner
                member.mtime = int(time.time())
            archive.addfile(directory)
            archive.addfile(file, io.BytesIO(public_key.encode()))
    return buffer.getvalue()


def _wait(client: DockerClient, container: str, name: str, address: str, stopped: threading.Event) -> tuple[str, ...]:
    """Wait until sshd answers and lets everybody in; the host keys, read through the engine, which no network can forge."""
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        if ssh_answers(address):
            command = client.api.exec_create(container, READ_KEYS)["Id"]
            output = client.api.exec_start(command)
            keys = parse_host_keys(output.decode())
            # A busy engine can lose what a short program printed; an exit code of 0 alone is not enough.
            if keys and client.api.exec_inspect(command)["ExitCode"] == 0:
                return keys
        if stopped.wait(0.1):
            raise DeployerError(f"{name}: not waited for")
    last = client.api.logs(container, tail=10).decode(errors="replace")
    raise DeployerError(f"the machine {name} did not answer over SSH within {BOOT_SECONDS:g} s", help=last)
