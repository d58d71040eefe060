"""Machines over the OpenSSH client, for what only that can do: `Match exec`, hardware keys, whatever ssh_config may say.

One connection a machine, as with asyncssh: the first `ssh` leaves it behind for the others (ControlMaster), and it ends by
itself when nobody has used it for a minute, even where this process was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError, TimedOutError
from deployer.model.allowed import EVERYTHING, LOCAL
from deployer.model.command import Command, Completed
from deployer.model.printable import printable
from deployer.remote.clock import read_clock
from deployer.remote.connection import (
    ConnectionFailedError,
    NoAnswerError,
    NotLetInError,
    Place,
    TcpPort,
    UnixSocket,
    is_this_machine,
)
from deployer.remote.identity import check_identity
from deployer.remote.local import LocalConnection
from deployer.remote.openssh import reach, settings
from deployer.remote.sudo import Sudo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.model.allowed import Allowed
    from deployer.model.cluster import Node
    from deployer.model.secret import Secret
    from deployer.remote.connection import Stream

KEPT_SECONDS: Final = 60
GRACE_SECONDS: Final = 5
BROKEN: Final = 255
"""ssh's own status where it is not the command's (ssh(1), "EXIT STATUS")."""

_NOT_LET_IN: Final = (
    "Permission denied",
    "Host key verification failed",
    "REMOTE HOST IDENTIFICATION",
    "Too many authentication",
)
_REVOKED: Final = "REVOKED HOST KEY"
_KEEP_ALIVE: Final = ("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3")


async def connect(
    node: Node, known_hosts: str, password: Secret | None = None, allowed: Allowed = EVERYTHING
) -> OpenSshConnection:
    """Open the connection to a machine; to this one where it is `allowed`. Raises ConnectionFailedError with ssh's own reason."""
    if node.ssh.identity_file:
        check_identity(node.ssh.identity_file, allowed)
    try:
        way = await asyncio.to_thread(reach, node, known_hosts, None, allowed)
        told = await asyncio.to_thread(settings, node)
        if not allowed.may_reach(LOCAL) and await asyncio.to_thread(_leads_here, told, allowed):
            raise is_this_machine(node.address, allowed)
    except ConnectionFailedError:
        raise
    except DeployerError as error:
        raise ConnectionFailedError(error.message, help=error.help) from None
    folder = Path(tempfile.mkdtemp(prefix="deployer-"))  # 0700, and short: a socket's path has 107 bytes at most
    shared = ("-o", "ControlMaster=auto", "-o", f"ControlPath={folder / 's'}", "-o", f"ControlPersist={KEPT_SECONDS}")
    quiet = (
        "-o",
        "BatchMode=yes",
        "-o",
        "ForwardAgent=no",
        "-o",
        "ForwardX11=no",
        "-o",
        "PermitLocalCommand=no",
        "-o",
        "GSSAPIDelegateCredentials=no",
        "-o",
        "LogLevel=ERROR",
        "-T",
    )
    argv = ("ssh", *shared, *quiet, *_KEEP_ALIVE, *way.arguments)
    root = told.get("user", [""])[0] == "root"
    made = OpenSshConnection(argv, node.address, folder, None if root else Sudo(node, password))
    try:
        opened = await LocalConnection().run(made.command(("true",), node.ssh.connect_timeout))
    except TimedOutError:
        await made.close()
        raise _no_answer(node) from None
    except BaseException:
        await made.close()
        raise
    if not opened.ok:
        await made.close()
        if not allowed.may_reach(LOCAL) and _REVOKED in opened.stderr:
            raise is_this_machine(node.address, allowed)
        raise _failed(node, opened)
    return made


def _leads_here(told: Mapping[str, list[str]], allowed: Allowed) -> bool:
    """Whether the name that `ssh` makes of an address is this machine's; what a proxy makes of it shows by the host key alone."""
    if any(told.get(key, ["none"])[0] != "none" for key in ("proxyjump", "proxycommand")):
        return False
    name = told.get("hostname", [""])[0]
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        return not allowed.may_reach(name)
    return any(not allowed.may_reach(address) for address in (name, *found))


async def host_key(node: Node) -> str:
    """The host key that a machine shows to `ssh`, as `TYPE KEY`; nobody logs in. Raises ConnectionFailedError."""
    given = (*(("-p", str(node.ssh.port)) if node.ssh.port else ()), *(("-l", node.ssh.user) if node.ssh.user else ()))
    with tempfile.TemporaryDirectory(prefix="deployer-") as folder:
        file = Path(folder) / "known_hosts"
        noting = {
            "BatchMode": "yes", "StrictHostKeyChecking": "accept-new", "UserKnownHostsFile": str(file), "HostKeyAlias": "it",
            "GlobalKnownHostsFile": "/dev/null", "HashKnownHosts": "no", "PreferredAuthentications": "none",
            "ControlPath": "none", "LogLevel": "ERROR",
        }  # fmt: skip
        options = tuple(word for key, value in noting.items() for word in ("-o", f"{key}={value}"))
        argv = ("ssh", *options, *given, node.address, "--", "true")
        try:
            opened = await LocalConnection().run(Command(argv, timeout=node.ssh.connect_timeout))
        except TimedOutError:
            raise _no_answer(node) from None
        noted = file.read_text("utf-8").split() if file.exists() else []
    if len(noted) < 3:
        raise _failed(node, opened)
    return " ".join(noted[1:3])


def _no_answer(node: Node) -> NoAnswerError:
    return NoAnswerError(f"no answer from {node.address} within {node.ssh.connect_timeout:g} s")


def _failed(node: Node, opened: Completed) -> ConnectionFailedError:
    said = [printable(line.strip()) for line in opened.stderr.splitlines() if line.strip(" @")]
    text = said[-1] if said else f"ssh ended with status {opened.status}"
    message = text if node.address in text else f"{node.address}: {text}"
    if any(word in opened.stderr for word in _NOT_LET_IN):
        return NotLetInError(message, help=f"`deployer machine ssh {node.name}` shows what ssh says")
    if "timed out" in text:  # ssh has the same time as we, and may be the first to say so
        return _no_answer(node)
    return ConnectionFailedError(message)


class OpenSshConnection:
    """A machine over one connection of the OpenSSH client; commands and sockets are processes that use it."""

    def __init__(self, argv: tuple[str, ...], address: str, folder: Path, sudo: Sudo | None) -> None:
        """`sudo`: None where the user is root."""
        self._argv = argv
        self._address = address
        self._folder = folder
        self._sudo = sudo
        self._local = LocalConnection()
        self._forwarded: dict[str, asyncio.Task[str]] = {}
        self._processes: list[asyncio.subprocess.Process] = []

    def command(self, argv: tuple[str, ...], timeout: float, stdin: bytes = b"") -> Command:
        return Command((*self._argv, self._address, "--", Command(argv).shell()), stdin=stdin, timeout=timeout)

    async def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
        # `timeout` ends the command over there too.
        argv = ("timeout", "-k", "5", str(math.ceil(command.timeout)), *command.argv)
        stdin = command.stdin
        if command.root and self._sudo:
            granted = await self._sudo.granted(self.run)
            argv, stdin = granted.argv(argv), granted.stdin(stdin)
        began = read_clock()
        try:
            done = await self._local.run(self.command(argv, command.timeout + GRACE_SECONDS, stdin), on_line)
        except TimedOutError:
            raise TimedOutError(f"`{command.argv[0]}` took longer than {command.timeout:g} s") from None
        if done.status in {124, 137} and read_clock() - began >= command.timeout:
            raise TimedOutError(f"`{command.argv[0]}` took longer than {command.timeout:g} s")
        if done.status == BROKEN or done.status < 0:
            raise ConnectionFailedError(f"the connection broke: {printable(done.stderr.strip()[-200:]) or 'ssh ended'}")
        return done

    async def open(self, place: Place) -> Stream:
        match place:
            case UnixSocket(path):
                if self._sudo is None:
                    return await self._local.open(UnixSocket(await self._forward(path)))
                granted = await self._sudo.granted(self.run)
                relay = granted.relay(path)
                argv = (*self._argv, self._address, "--", Command(relay).shell())
                stream = await self._process(argv, f"{path} there")
                await stream.write(granted.stdin())
                return stream
            case TcpPort(host, port):
                where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                return await self._process((*self._argv, "-W", where, self._address), f"port {port} there")

    async def _forward(self, path: str) -> str:
        """A socket of this machine that leads to one over there: asked for once, however many want it at the same time."""
        if path not in self._forwarded:
            self._forwarded[path] = asyncio.create_task(
                self._ask_forward(path, str(self._folder / str(len(self._forwarded))))
            )
        return await asyncio.shield(self._forwarded[path])

    async def _ask_forward(self, path: str, here: str) -> str:
        argv = (*self._argv, "-O", "forward", "-L", f"{here}:{path}", self._address)
        done = await self._local.run(Command(argv, timeout=GRACE_SECONDS))
        if not done.ok:
            raise ConnectionFailedError(f"{path} there: {printable(done.stderr.strip()) or 'it cannot be forwarded'}")
        return here

    async def _process(self, argv: tuple[str, ...], what: str) -> Stream:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
        self._processes = [*(one for one in self._processes if one.returncode is None), process]
        return _ProcessStream(process, what)

    async def close(self) -> None:
        for process in self._processes:
            _end(process)
            await process.wait()
        for task in self._forwarded.values():
            task.cancel()
        await self._local.close()
        with contextlib.suppress(DeployerError):
            await self._local.run(Command((*self._argv, "-O", "exit", self._address), timeout=GRACE_SECONDS))
        shutil.rmtree(self._folder, ignore_errors=True)


class _ProcessStream:
    """Bytes to a process and from it; what it says on standard error is why there is nothing to read."""

    def __init__(self, process: asyncio.subprocess.Process, what: str) -> None:
        self._process = process
        self._what = what
        self._heard = False

    async def read(self, limit: int) -> bytes:
        assert self._process.stdout  # both are pipes
        assert self._process.stderr
        data = await self._process.stdout.read(limit)
        if not data and not self._heard:
            said = (await self._process.stderr.read(4096)).decode("utf-8", "replace").strip()
            raise ConnectionFailedError(f"{self._what}: {printable(said) or 'no answer'}")
        self._heard = True
        return data

    async def write(self, data: bytes) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except OSError as error:
            raise ConnectionFailedError(f"{self._what}: {error.strerror or error}") from None

    def close(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        _end(self._process)


def _end(process: asyncio.subprocess.Process) -> None:
    """By its group: `terminate` looks for its end itself, and asyncio, which waits for that as well, would complain."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)
