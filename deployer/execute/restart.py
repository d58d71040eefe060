"""Machines that go away on purpose: rebooted, their engine restarted, switched off; and the wait until they are back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from deployer.docker import EngineError
from deployer.errors import DeployerError, TimedOutError, UnreachableError
from deployer.execute.script import CommandFailedError
from deployer.model.command import Command
from deployer.remote import ConnectionFailedError
from deployer.remote.clock import read_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.execute.world import World
    from deployer.plan.maintenance import PowerOff, RestartMachine

POLL_SECONDS: Final = 1.0
OFF_SECONDS: Final = 90.0
"""How long a machine may take to shut down: what systemd gives a service that does not stop (DefaultTimeoutStopSec)."""

BOOT: Final = Command(
    ("sh", "-c", 'cat /proc/sys/kernel/random/boot_id && set -- $(cat /proc/1/stat) && echo "${22}"'), timeout=10
)
"""What no two boots have in common: the kernel's boot id (proc_sys_kernel(5)) and, for machines that share a kernel, when
the first process was started (proc_pid_stat(5), field 22)."""


async def restart_machine(world: World, operation: RestartMachine, tell: Callable[[str], None]) -> str:
    """Reboot, or restart the engine, and wait for it. Raises TimedOutError where it does not come back in time."""
    began = read_clock()
    if operation.what == "engine":
        connection = await world.link.to(operation.node)
        # Docker's unit may be started three times in a minute (its StartLimitBurst=): the fourth would be refused, with it stopped.
        await connection.run(Command(("systemctl", "reset-failed", "docker"), root=True, timeout=operation.timeout))
        done = await connection.run(Command(("systemctl", "restart", "docker"), root=True, timeout=operation.timeout))
        if not done.ok:
            raise CommandFailedError("restarting the engine", done)
    else:
        before = await _read_boot(world, operation.node)
        await _send(world, operation.node, ("systemctl", "reboot"))
        await _await_boot(world, operation, before, began, tell)
    version = await engine_back(world, operation, began, tell)
    return f"back after {read_clock() - began:.0f} s, engine {version}"


async def power_off(world: World, operation: PowerOff, tell: Callable[[str], None]) -> str:
    """Switch it off and wait until it is gone: does not answer, or has booted anew because something switched it on again."""
    before = await _read_boot(world, operation.node)
    argv = ("systemctl", "poweroff", "--force", "--force") if operation.hard else ("systemctl", "poweroff")
    await _send(world, operation.node, argv)
    deadline = read_clock() + OFF_SECONDS
    while read_clock() < deadline:
        try:
            if await _read_boot(world, operation.node) != before:
                return "it was off, and is on again: whatever it runs on starts it by itself"
        except UnreachableError:
            return "it does not answer any more"
        except DeployerError as error:
            tell(error.message)
        await asyncio.sleep(POLL_SECONDS)
    raise TimedOutError(
        f"it still answers {OFF_SECONDS:.0f} s after it was told to switch itself off",
        help="`deployer machine kill` does not wait for what runs there",
    )


async def _read_boot(world: World, node: str) -> str:
    told = await (await world.link.to(node)).run(BOOT)
    if not told.ok or not told.stdout.strip():
        raise CommandFailedError("asking when it was started", told)
    return told.stdout


async def _send(world: World, node: str, argv: tuple[str, ...]) -> None:
    """A command that takes the connection away, which is no failure, and leaves it closed."""
    connection = await world.link.to(node)
    try:
        done = await connection.run(Command(argv, root=True, timeout=15))
    except (ConnectionFailedError, TimedOutError):
        done = None
    if done is not None and done.status not in {0, -15, 143, 255}:
        raise CommandFailedError(f"`{' '.join(argv)}`", done)
    await world.forget(node)


async def _await_boot(
    world: World, operation: RestartMachine, before: str, began: float, tell: Callable[[str], None]
) -> None:
    told = ""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            if await _read_boot(world, operation.node) != before:
                return
            reason = "it has not gone down yet"
        except DeployerError as error:
            reason = error.message
        await world.forget(operation.node)
        _check_time(operation, began, reason)
        if reason != told:
            told = reason
            tell(told)


async def engine_back(world: World, operation: RestartMachine, began: float, tell: Callable[[str], None]) -> str:
    """Wait for the engine of a machine; its version. Raises TimedOutError."""
    while True:
        try:
            return await (await world.again(operation.node)).version()
        except (ConnectionFailedError, EngineError, TimedOutError) as error:
            _check_time(operation, began, f"its engine does not answer: {error.message}")
            tell("its engine does not answer yet")
        await world.forget(operation.node)
        await asyncio.sleep(POLL_SECONDS)


def _check_time(operation: RestartMachine, began: float, reason: str) -> None:
    """A first Ctrl-C does not end this wait: nobody is left without knowing whether the machine came back."""
    if read_clock() - began > operation.timeout:
        raise TimedOutError(
            f"it is not back after {operation.timeout:g} s: {reason}",
            help="look at its console; when it is back, `deployer apply` puts it into service again",
        )
