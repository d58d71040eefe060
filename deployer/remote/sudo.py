"""How a user who is not root runs commands as root: by sudo, with a password where it wants one.

The password goes to sudo's standard input (`-S`), before what is the command's own; sudo reads byte by byte, so that the rest
reaches the command. It is tried once, alone: three wrong ones lock an account out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.model.command import Command
from deployer.model.printable import printable
from deployer.remote.connection import NotLetInError
from deployer.remote.sudo_password import FILE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from deployer.model.cluster import Node
    from deployer.model.command import Completed
    from deployer.model.secret import Secret

    Run = Callable[[Command], Awaitable[Completed]]

_TRIED: Final = ("--", "timeout", "30", "true")
"""As what commands begin with: a rule in sudoers may name programs."""


@dataclass(frozen=True)
class Granted:
    """How sudo lets the user be root: with this password, or without one."""

    password: Secret | None = None

    def argv(self, argv: tuple[str, ...]) -> tuple[str, ...]:
        # -k: what sudo remembers does not count, so that it reads the password line whenever there is one.
        options = ("-n",) if self.password is None else ("-k", "-S", "-p", "")
        return ("sudo", *options, "--", *argv)

    def relay(self, path: str) -> tuple[str, ...]:
        """Docker's own relay between the engine's socket and standard streams; with a password begun as what was tried."""
        dial = ("docker", "--host", f"unix://{path}", "system", "dial-stdio")
        return self.argv(dial if self.password is None else ("timeout", "0", *dial))

    def stdin(self, data: bytes = b"") -> bytes:
        return data if self.password is None else self.password.reveal().encode() + b"\n" + data


class Sudo:
    """Sudo on one machine: asked once, when the first command of root's is to run."""

    def __init__(self, node: Node, password: Secret | None = None) -> None:
        self._node = node
        self._password = password
        self._settled: Granted | NotLetInError | None = Granted() if node.ssh.sudo == "nopasswd" else None
        self._lock = asyncio.Lock()

    async def granted(self, run: Run) -> Granted:
        """`run` runs a command as the user. Raises NotLetInError where sudo wants another password, or there is none."""
        async with self._lock:
            if self._settled is None:
                self._settled = await self._try(run)
        if isinstance(self._settled, NotLetInError):
            raise self._settled
        return self._settled

    async def _try(self, run: Run) -> Granted | NotLetInError:
        if (await run(Command(("sudo", "-k", "-n", *_TRIED)))).ok:
            return Granted()
        name = self._node.name
        if self._password is None:
            return NotLetInError(
                f"sudo on {name} wants a password, and there is none to give",
                help=f"run this on a terminal, or let {FILE} name a file with it",
            )
        granted = Granted(self._password)
        done = await run(Command(("sudo", "-k", "-S", "-p", "", *_TRIED), stdin=granted.stdin()))
        if done.ok:
            return granted
        said = [printable(line.strip()) for line in done.stderr.splitlines() if line.strip()]
        return NotLetInError(
            f"sudo on {name} does not take the password: {said[-1] if said else f'status {done.status}'}",
            help=f"try `sudo -k true` there; it was tried once, and `ssh: {{sudo: password}}` is what {self._node.path} says",
        )
