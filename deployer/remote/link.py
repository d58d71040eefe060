"""Connections to the machines of a cluster: each opened once a run, when it is first needed; a failure is remembered too."""

from __future__ import annotations

import asyncio
import ctypes.util
import os
import sys
from typing import TYPE_CHECKING, Final, Self

from deployer.remote.connection import ConnectionFailedError, is_this_machine
from deployer.remote.local import LocalConnection
from deployer.remote.sudo import Sudo
from deployer.remote.sudo_password import passwords
from deployer.startup import defer_imports, run_now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import ModuleType, TracebackType

    from deployer.model.cluster import Cluster, Node
    from deployer.model.secret import Secret
    from deployer.remote.connection import Connection

with defer_imports():
    from deployer.remote import by_openssh, ssh


ENGINE_SOCKET: Final = "/var/run/docker.sock"


_X509: Final = "asyncssh.crypto.x509"


def _engine_socket(docker_host: str) -> dict[str, str]:
    """Where `local`'s engine is: DOCKER_HOST counts as for the docker command, as far as it names a socket of this machine."""
    if not docker_host:
        return {}
    scheme, _, path = docker_host.partition("://")
    if scheme != "unix":
        raise ConnectionFailedError(
            f"DOCKER_HOST is {docker_host}, and `address: local` is an engine of this machine",
            help="unset DOCKER_HOST, or give the machine's address so that SSH reaches it",
        )
    return {ENGINE_SOCKET: path}


def _run_ssh() -> None:
    """Have deployer.remote.ssh run, when the first machine needs it: asyncssh costs 0.2 s.

    While it is imported it looks for liboqs and libnettle, for ciphers that are not used here, by starting `gcc` and
    `ldconfig` again and again, which costs as much as the rest of it; so for that moment there are none to be found. Nor is its
    support of X.509 (RFC 6187), which OpenSSH does not have either, and which costs a quarter more: it does without where it fails.
    """
    if "asyncssh" not in sys.modules:
        search = ctypes.util.find_library
        ctypes.util.find_library = lambda _: None  # type: ignore[assignment] # given back below
        modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment] # None: not to be had (docs.python.org)
        modules.setdefault(_X509, None)
        try:
            run_now(ssh)
        finally:
            ctypes.util.find_library = search
            if modules.get(_X509) is None:
                modules.pop(_X509, None)


class Link:
    """`async with Link(cluster) as link: await link.to("master")`: the same connection however often it is asked for.

    A machine that is down costs its time-out once: whoever asks again gets the same ConnectionFailedError at once.
    """

    def __init__(self, cluster: Cluster, connect: Callable[[Node], Awaitable[Connection]] | None = None) -> None:
        self.cluster = cluster
        self._connect = connect or self._reach
        self._connections: dict[str, asyncio.Future[Connection]] = {}
        self._passwords: Mapping[str, Secret] = {}

    def dial(self) -> None:
        """Begin with all machines at once; whoever asks for one waits for it then."""
        for node in self.cluster.nodes:
            _ = self._begin(node)

    async def to(self, name: str) -> Connection:
        """The connection to the machine of that name. Raises ConnectionFailedError."""
        node = next((node for node in self.cluster.nodes if node.name == name), None)
        if node is None:
            raise ConnectionFailedError(f"{name} is not in git: nobody knows where to reach it")
        return await asyncio.shield(self._begin(node))

    def _begin(self, node: Node) -> asyncio.Future[Connection]:
        if node.name not in self._connections:
            self._connections[node.name] = asyncio.ensure_future(self._connect(node))
        return self._connections[node.name]

    async def forget(self, name: str) -> None:
        """Close the connection to a machine that goes away on purpose; it is opened anew when it is asked for."""
        future = self._connections.pop(name, None)
        if future is None:
            return
        future.cancel()
        (found,) = await asyncio.gather(future, return_exceptions=True)
        if not isinstance(found, BaseException):
            await found.close()

    async def _reach(self, node: Node) -> Connection:
        password, allowed = self._passwords.get(node.name), self.cluster.allowed
        if node.local:
            if not allowed.may_reach(node.address):
                raise is_this_machine(node.name, allowed)
            return LocalConnection(_engine_socket(os.environ.get("DOCKER_HOST", "")), Sudo(node, password))
        if node.ssh.client == "openssh":
            return await by_openssh.connect(node, self.cluster.known_hosts, password, allowed)
        _run_ssh()
        return await ssh.connect(node, self.cluster.known_hosts, password, allowed)

    async def __aenter__(self) -> Self:
        """Raises DeployerError where a password for sudo is to come from somewhere that has none."""
        if self._connect == self._reach:  # before anything has a time-out: somebody may be typing
            asking = self.cluster.nodes if self.cluster.allowed.may_give_sudo_password else ()
            self._passwords = passwords(asking, os.environ)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for future in self._connections.values():
            if not future.done():
                future.cancel()
        settled = await asyncio.gather(*self._connections.values(), return_exceptions=True)
        await asyncio.gather(*(found.close() for found in settled if not isinstance(found, BaseException)))
