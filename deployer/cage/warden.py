"""The warden: a small process that starts programs in cages, watches over them, and ends them with all that they started.

It runs in an interpreter of its own that loads next to nothing (`python -I -S`), so that a cage costs a fork and not the
start of an interpreter; and it has no threads, so it may fork. Two ways in, both from `children.py`:

    serve   orders come over a socket, each with the child's three standard streams and a socket at which its end is told
    one     the order is fetched from a socket, the child has the warden's own streams, the exit code is the child's

A child ends when it is done, when its time is up, when whoever ordered it hangs up or dies, when the warden dies.
"""

from __future__ import annotations

import os
import select
import struct
import time
from _signal import SIG_IGN, SIGHUP, SIGINT, SIGKILL, SIGTERM, signal  # type: ignore[import-not-found]  # see become.py
from _socket import AF_UNIX, CMSG_SPACE, MSG_CMSG_CLOEXEC, SOCK_SEQPACKET, SOCK_STREAM, socket, socketpair

from deployer.cage import system
from deployer.cage.answers import Questions
from deployer.cage.become import Walls, become
from deployer.cage.order import number, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from deployer.cage.order import Order

LARGEST_ORDER = 1 << 20
WALLS = {off: Walls(off=off) for off in (False, True)}
_NEVER = float("inf")


class Child:
    """One that runs. `told` is the socket of whoever waits for it; None in a warden of one."""

    def __init__(self, order: Order, process: int, failure: int, listener: int, told: socket | None) -> None:
        self.process, self.failure, self.told = process, failure, told
        self.questions = Questions(order, listener) if listener >= 0 else None
        self.ended = os.pidfd_open(process)
        self.deadline = time.monotonic() + float(order["seconds"][0])
        self.why = ""
        walls = WALLS[number(order, "off") > 0]
        self.confined = "1" if walls.landlock and walls.filters else ""

    def kill(self, why: str) -> None:
        """End it, and its whole group; the first reason counts."""
        self.why = self.why or why
        self.deadline = _NEVER
        try:
            os.killpg(self.process, SIGKILL)
        except OSError:
            return  # there is nobody left

    def collect(self) -> int:
        """Its wait status, once it has ended. Whoever waits for it is told, whoever it left behind is ended."""
        self.kill("")
        _, status, used = os.wait4(self.process, 0)
        failure = os.read(self.failure, 4096)
        for descriptor in (self.failure, self.ended, self.questions.listener if self.questions else -1):
            if descriptor >= 0:
                os.close(descriptor)
        if self.told is None:
            os.write(2, failure)
        else:
            cpu = used.ru_utime + used.ru_stime
            _tell(self.told, f"{status}\0{cpu:.3f}\0{self.why}\0{self.confined}\0".encode() + failure)
        return status


def _tell(told: socket, words: bytes) -> None:
    try:
        told.sendmsg([words])
    except OSError:
        return  # nobody waits any more
    finally:
        told.close()


def start(order: Order, descriptors: list[int], told: socket | None) -> Child:
    """Fork, and become the program in the fork. What goes wrong there comes back over the pipe `failure`."""
    walls = WALLS[number(order, "off") > 0]
    if walls.filters:
        walls.program(order, asks=walls.listens(order))
    failure, broken = os.pipe()
    here, there = socketpair(AF_UNIX, SOCK_STREAM)
    parent = os.getpid()
    process = os.fork()
    if process == 0:
        try:
            become(walls, order, descriptors, parent, there)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the other side has to hear of it
            os.write(broken, f"{type(error).__name__}: {error}".encode(errors="replace"))
        finally:
            os._exit(127)
    there.close()
    os.close(broken)
    listener = _received(here) if walls.listens(order) else -1
    here.close()
    return Child(order, process, failure, listener, told)


def _received(channel: socket) -> int:
    """The descriptor that the child sends once its filter is there; -1 where it ends without one."""
    data, others, _, _ = channel.recvmsg(1, CMSG_SPACE(4), MSG_CMSG_CLOEXEC)
    return int(struct.unpack("=i", others[0][2][:4])[0]) if data and others else -1


def _children() -> list[int]:
    """Our own, and those whom we have taken over; none where the kernel keeps no list (CONFIG_PROC_CHILDREN)."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as told:
            return [int(word) for word in told.read().split()]
    except OSError:
        return []


class Warden:
    """Looks after children until they have ended."""

    def __init__(self) -> None:
        self.children: dict[int, Child] = {}
        self.poll = select.poll()
        self.roles: dict[int, tuple[str, int]] = {}

    def add(self, child: Child) -> None:
        self.children[child.process] = child
        self.watch(child.ended, "ended", child.process)
        if child.questions:
            self.watch(child.questions.listener, "asks", child.process)
        if child.told:
            self.watch(child.told.fileno(), "told", child.process)

    def watch(self, descriptor: int, role: str, process: int = 0) -> None:
        self.roles[descriptor] = (role, process)
        self.poll.register(descriptor, select.POLLIN)

    def forget(self, descriptor: int) -> None:
        if self.roles.pop(descriptor, None):
            self.poll.unregister(descriptor)

    def look(self) -> tuple[list[int], bool]:
        """Wait for something to happen, and see to it. The status of each child that has ended; whether there is an order."""
        statuses, ordered = [], False
        left = min((child.deadline for child in self.children.values()), default=_NEVER) - time.monotonic()
        for descriptor, event in self.poll.poll(None if left == _NEVER else max(int(left * 1000) + 1, 0)):
            role, process = self.roles.get(descriptor, ("", 0))
            child = self.children.get(process)
            if role == "order":
                ordered = True
            elif child and role == "ended":
                statuses.append(self._ended(child))
            elif child and role == "asks" and child.questions and event & select.POLLIN:
                child.questions.answer()
            elif child:  # nobody is left who could ask; or nobody waits
                self.forget(descriptor)
                if role == "told":
                    child.kill("hung up")
        now = time.monotonic()
        for child in self.children.values():
            if now >= child.deadline:
                child.kill("time")
        return statuses, ordered

    def _ended(self, child: Child) -> int:
        for descriptor in (
            child.ended,
            child.questions.listener if child.questions else -1,
            child.told.fileno() if child.told else -1,
        ):
            self.forget(descriptor)
        del self.children[child.process]
        status = child.collect()
        self._collect_orphans()
        return status

    def _collect_orphans(self) -> None:
        """Whom ended children left behind are our children now (system.adopt_orphans). End them: without walls they can have left the group."""
        for process in _children():
            if process not in self.children:
                try:
                    os.kill(process, SIGKILL)
                    os.waitpid(process, 0)
                except OSError:
                    continue  # it was somebody else's turn

    def serve(self, control: socket) -> None:
        """Until the other side hangs up; then everything ends."""
        self.watch(control.fileno(), "order")
        while True:
            _, ordered = self.look()
            if not ordered:
                continue
            data, others, _, _ = control.recvmsg(LARGEST_ORDER, CMSG_SPACE(16), MSG_CMSG_CLOEXEC)
            if not data:
                break
            *descriptors, told = struct.unpack("=4i", others[0][2][:16])
            waiting = socket(fileno=told)
            try:
                self.add(start(unpack(data), descriptors, waiting))
            except OSError as error:  # no more processes, or descriptors, for us
                _tell(waiting, f"256\0{0.0}\0\0\0{error}".encode())
            for descriptor in descriptors:
                os.close(descriptor)
        for child in self.children.values():
            child.kill("hung up")

    def see_through(self, child: Child) -> int:
        """The exit code of one child that has our own streams. SIGTERM ends it; Ctrl-C lets it end, as every step of a run."""
        for ignored in (SIGINT, SIGHUP):
            signal(ignored, SIG_IGN)
        signal(SIGTERM, lambda *_: child.kill("ended"))
        self.add(child)
        while True:
            for status in self.look()[0]:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code


def _fetched(path: str) -> bytes:
    """What is handed out at a socket, to whoever comes."""
    channel, data = socket(AF_UNIX, SOCK_STREAM), b""
    channel.connect(path)
    while chunk := channel.recv(1 << 16):
        data += chunk
    channel.close()
    return data


def main(arguments: list[str]) -> int:
    """The exit code: of the child in a warden of one."""
    parent = os.getppid()
    system.adopt_orphans()
    match arguments:
        case ["serve", descriptor]:
            os.set_inheritable(int(descriptor), False)
            for ignored in (SIGINT, SIGHUP, SIGTERM):  # a terminal's are for whoever orders, who hangs up then
                signal(ignored, SIG_IGN)
            Warden().serve(socket(AF_UNIX, SOCK_SEQPACKET, 0, int(descriptor)))
            return 0
        case ["one", path, *rest]:
            system.die_with_parent(SIGTERM)
            order = unpack(_fetched(path))
            order["argv"] += rest
            if os.getppid() != parent:
                return 1
            return Warden().see_through(start(order, [0, 1, 2], None))
        case _:
            return 2
