"""A process of the warden's turns into a program in a cage. Each line takes something away; the last one starts the program."""

from __future__ import annotations

import array
import errno
import os
import resource
from _signal import SIG_DFL, SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGTERM, SIGXFSZ, signal  # type: ignore[import-not-found]  # typeshed has none; `signal` imports enum, which takes as long as a child
from _socket import SCM_RIGHTS, SOL_SOCKET

from deployer.cage import filters, system
from deployer.cage.order import NO_CORE, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Sequence

    from deployer.cage.order import Order

_DEVICES = (
    ("/dev/null", system.DEVICE),
    ("/dev/zero", system.READ),
    ("/dev/random", system.READ),
    ("/dev/urandom", system.READ),
)


class Walls:
    """What cages are made of on this kernel, looked up once. `off` leaves out what the kernel would refuse, not the limits."""

    def __init__(self, *, off: bool = False) -> None:
        self.landlock = 0 if off else system.landlock_version()
        self.filters = not off and filters.known(system.MACHINE) and system.filters_here()
        self.asks = self.filters and self.landlock > 0 and system.listens_here()
        self._programs: dict[tuple[bool, ...], bytes] = {}

    def listens(self, order: Order) -> bool:
        """Whether the child has questions for the warden."""
        return self.asks and bool(order.get("sockets") or number(order, "processes"))

    def program(self, order: Order, *, asks: bool) -> bytes:
        """The filter; there are few kinds of children, so it is made before the fork and kept."""
        kind = (
            bool(order.get("write")),
            number(order, "processes") > 0,
            bool(order.get("sockets")),
            number(order, "tcp") > 0,
            asks,
        )
        if kind not in self._programs:
            writes, processes, sockets, tcp, _ = kind
            self._programs[kind] = filters.program(
                system.MACHINE,
                landlock=self.landlock,
                writes=writes,
                processes=processes,
                sockets=sockets,
                tcp=tcp,
                asks=asks,
            )
        return self._programs[kind]


def become(walls: Walls, order: Order, descriptors: Sequence[int], parent: int, channel: socket) -> None:
    """Does not return, but where the parent has gone; OSError where the kernel refuses. `channel` takes the descriptor
    at which the filter asks.
    """
    os.setsid()
    system.die_with_parent(SIGKILL)
    if os.getppid() != parent:
        return
    for ignored in (SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP):
        signal(ignored, SIG_DFL)
    os.umask(0o077)
    for target, descriptor in enumerate(_streams(order, descriptors)):
        os.dup2(descriptor, target)
    system.close_on_start(3)
    os.chdir(order.get("folder", ["/"])[0])
    _limit(order)
    system.gain_nothing()
    system.drop_capabilities()
    if walls.landlock:
        system.restrict_files(walls.landlock, _rules(order), tcp=number(order, "tcp") > 0)
    if walls.filters:
        listener = _filter(walls, order)
        if listener >= 0:
            channel.sendmsg([b"1"], [(SOL_SOCKET, SCM_RIGHTS, array.array("i", [listener]))])
    argv = order["argv"]
    environment: dict[str, str] = {}
    for one in order.get("environment", ()):
        name, _, environment[name] = one.partition("=")
    os.execve(argv[0], argv, environment)


def _streams(order: Order, descriptors: Sequence[int]) -> Sequence[int]:
    if not order.get("output"):
        return descriptors
    written = os.open(order["output"][0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), written, written


def _limit(order: Order) -> None:
    """No core, and what the order says: of each process by itself, and of what it starts."""
    cpu = number(order, "cpu")
    wanted = {
        resource.RLIMIT_CPU: (cpu, cpu + 1),
        resource.RLIMIT_DATA: (number(order, "memory"),) * 2,
        resource.RLIMIT_FSIZE: (number(order, "file"),) * 2,
        resource.RLIMIT_NOFILE: (number(order, "files"),) * 2,
    }
    for which, (soft, hard) in wanted.items():
        most = resource.getrlimit(which)[1]
        allowed = hard if most == resource.RLIM_INFINITY else min(hard, most)
        if soft > 0:
            resource.setrlimit(which, (min(soft, allowed), allowed))
    resource.setrlimit(resource.RLIMIT_CORE, (NO_CORE, NO_CORE))


def _rules(order: Order) -> list[tuple[str, int]]:
    return [
        *_DEVICES,
        *((path, system.RUN) for path in order.get("run", ())),
        *((path, system.READ) for path in order.get("read", ())),
        *((path, system.EVERYTHING) for path in order.get("write", ())),
    ]


def _filter(walls: Walls, order: Order) -> int:
    """The descriptor at which the filter asks, or -1."""
    asks = walls.listens(order)
    try:
        return system.filter_calls(walls.program(order, asks=asks), listen=asks)
    except OSError as error:
        if not asks or error.errno != errno.EBUSY:
            raise
        # Somebody above us listens already, such as LXD, and there can be one only.
        return system.filter_calls(walls.program(order, asks=False), listen=False)
