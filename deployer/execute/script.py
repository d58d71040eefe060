"""Our scripts, run on machines as root; and commands there that ended badly."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.model.command import Command, Completed

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.remote import Connection


LOG_LINES: Final = 10
REFUSED: Final = 65
REASON: Final = "deployer: "
ADVICE: Final = "deployer-help: "
"""How our scripts end, and say so, where they have looked and begun nothing (apt.sh, refuse)."""


class CommandFailedError(DeployerError):
    """A command on a machine ended badly; `log` holds its last lines."""

    def __init__(self, what: str, completed: Completed) -> None:
        lines = [line for line in (completed.stderr or completed.stdout).splitlines() if line.strip()]
        super().__init__(f"{what} failed with status {completed.status}" + (f": {lines[-1]}" if lines else ""))
        self.log = tuple(lines[-LOG_LINES:])


async def run_script(
    connection: Connection,
    text: bytes,
    arguments: tuple[str, ...],
    what: str,
    seconds: float,
    tell: Callable[[str], None] | None = None,
) -> str:
    """Run one of our scripts as root; its standard output. Raises DeployerError, with the script's own reason if it has one."""

    def heard(line: str) -> None:
        if tell and not line.startswith((REASON, ADVICE)):
            tell(line)

    completed = await connection.run(Command(("sh", "-s", *arguments), stdin=text, root=True, timeout=seconds), heard)
    if completed.ok:
        return completed.stdout
    lines = completed.stderr.splitlines()
    reason = next((line.removeprefix(REASON) for line in lines if line.startswith(REASON)), "")
    if completed.status == REFUSED and reason:
        advice = next((line.removeprefix(ADVICE) for line in lines if line.startswith(ADVICE)), "")
        raise DeployerError(reason, help=advice)
    raise CommandFailedError(what, completed)


def script(name: str) -> bytes:
    """A script that uses apt, behind what those have in common."""
    return read_script("apt.sh") + read_script(name)


def read_script(name: str) -> bytes:
    """One of our scripts as it is."""
    return (files("deployer.execute") / "scripts" / name).read_bytes()
