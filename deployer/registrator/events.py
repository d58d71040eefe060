"""Decide what is to be done about an event of the engine. Pure. The rules are those of gliderlabs.github.io/registrator/latest/user/services.

Only `Action` and `Actor` are read: API 1.52 took `status`, `id` and `from` away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.model.printable import shown
from deployer.registrator.container import read_signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.registrator.container import Container
    from deployer.registrator.flags import Options

FILTERS: Final = {
    "type": ["container", "network", "service", "node"],
    "event": [
        "start", "die", "kill", "pause", "unpause", "health_status", "rename", "update", "destroy",
        "connect", "disconnect", "create", "remove",
    ],
}  # fmt: skip
"""What the engine is asked for: without this every health check is three events (exec_create, exec_start, exec_die)."""
_CONTAINER: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
KILL: Final = 9
SIGNALED: Final = 128
"""The bit of an exit code that says: by a signal (bridge.go, dockerSignaledBit)."""
MARGIN: Final = 5
"""Seconds, beyond its own time to stop, after which a container that was told to stop and still runs is looked at again."""
TASK_SECONDS: Final = 300
"""The same for a Swarm task: its time to stop is Swarm's, not written on the container, and a task that stops never comes back."""


@dataclass(frozen=True)
class Stops:
    """What is remembered of a container for its end: the signal that stops it, and after how many seconds it is looked at again."""

    signal: int
    seconds: int


@dataclass(frozen=True)
class Look:
    """Ask the engine what the container is now, and make the catalogue so. `anew`: it (re)started or ended; what it was told is over."""

    owner: str
    anew: bool = False


@dataclass(frozen=True)
class Withdraw:
    """Out of the catalogue now, without asking. `hold`: seconds for which it stays out though it still runs."""

    owner: str
    hold: int = 0


@dataclass(frozen=True)
class LookAtMesh:
    """Services or nodes of the swarm changed."""


OfContainer = Look | Withdraw
Action = OfContainer | LookAtMesh


def stops(container: Container) -> Stops:
    return Stops(container.stop_signal, TASK_SECONDS if container.swarm_task else container.stop_seconds + MARGIN)


class NoEventError(ValueError):
    """An event has another form than any engine's."""


def decide(event: Mapping[str, Any], known: Mapping[str, Stops], options: Options) -> Action | None:
    """What to do about an event; None where it changes nothing. `known` has the containers that were seen running.

    Raises NoEventError.
    """
    actor = event.get("Actor") or {}
    told = actor.get("Attributes") or {} if isinstance(actor, dict) else None
    kind, action = str(event.get("Type")), str(event.get("Action", "")).partition(":")[0]
    if not isinstance(told, dict):
        raise NoEventError("an event has another form than an engine's")
    if kind in {"service", "node"}:
        return LookAtMesh()
    owner = told.get("container") if kind == "network" else actor.get("ID")
    if kind not in {"container", "network"} or not owner:
        return None
    if not is_container(owner):
        raise NoEventError(f"an event is about {shown(str(owner))}, which is no container's id")
    return _about(kind, action, owner, told, known, options)


def is_container(told: Any) -> bool:
    """Whether it is the id of a container: 64 hexadecimal digits."""
    return isinstance(told, str) and _CONTAINER.fullmatch(told) is not None


def _about(
    kind: str, action: str, owner: str, told: Mapping[str, Any], known: Mapping[str, Stops], options: Options
) -> Action | None:
    match kind, action:
        case "container", "start":
            return Look(owner, anew=True)
        case "container", "unpause" | "health_status" | "rename" | "update" | "destroy":
            return Look(owner)
        case "container", "pause":
            return Withdraw(owner)
        case "container", "die":
            code = re.fullmatch(r"[0-9]{1,9}", str(told.get("exitCode", "")), re.ASCII)
            if options.deregister == "on-success" and not code:
                return Look(owner, anew=True)
            return Withdraw(owner) if leaves(options, int(code[0]) if code else 0) else Look(owner, anew=True)
        case "container", "kill":
            # `docker stop` says so with the stop signal, and then waits: out before the process ends. Any other signal
            # (HUP) is not about stopping. Under on-success and never, how it ends decides.
            end = known.get(owner)
            stopped = end is not None and read_signal(str(told.get("signal", ""))) in {end.signal, KILL}
            return Withdraw(owner, end.seconds) if end and stopped and options.deregister == "always" else None
        case "network", "connect" | "disconnect":
            return Look(owner)
        case _:
            return None


def leaves(options: Options, exit_code: int) -> bool:
    """Whether a container that ended with this code leaves the catalogue (bridge.go, shouldRemove; `never` is ours)."""
    if options.deregister == "on-success":
        return exit_code == 0 or exit_code & SIGNALED == SIGNALED
    return options.deregister == "always"


def stays(container: Container | None, options: Options) -> bool:
    """Whether what is registered for a container that does not run stays as it is. None: the container is gone.

    -cleanup removes what has no container any more, under `never` too.
    """
    if container is None:
        return options.deregister == "never" and not options.cleanup
    return not container.live and not container.paused and not leaves(options, container.exit_code)
