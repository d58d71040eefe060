"""The questions of a caged program's filter, answered by the warden: which unix socket, and whether one more process.

A unix socket that a caged program makes is connected to nobody from the beginning, so that the kernel will never connect
it. To connect it is to ask; the warden then puts a socket of its own in its place, which it has connected itself.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from _socket import AF_UNIX, SO_SNDTIMEO, SOCK_STREAM, SOL_SOCKET, socket, socketpair

from deployer.cage import filters, system
from deployer.cage.order import number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from deployer.cage.order import Order

# linux/seccomp.h: struct seccomp_notif, struct seccomp_notif_resp, struct seccomp_notif_addfd, and SECCOMP_IOCTL_NOTIF_*
_NOTICE, _ANSWER, _DESCRIPTOR, _ID = "=QIIiIQ6Q", "=QqiI", "=QIIII", "=Q"
_RECEIVE, _SEND, _STILL_THERE, _PUT = 0xC0502100, 0xC0182101, 0x40082102, 0x40182103
_GO_ON = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE: by the kernel, as if nobody had asked
_IN_PLACE = 1  # SECCOMP_ADDFD_FLAG_SETFD
_CALLS = {number_: name for name, number_ in filters.numbers(system.MACHINE).items()}
_LONGEST_ADDRESS = 110  # struct sockaddr_un
_SECONDS = 10
_NUMBER_MASK = 0xFFFFFFFF


class Questions:
    """Of one child: what it may connect to and how many processes it may still start."""

    def __init__(self, order: Order, listener: int) -> None:
        self.listener = listener
        self.sockets = dict(one.split("\n", 1) for one in order.get("sockets", ()))
        """What the child calls it, and where it is."""
        self.tcp = number(order, "tcp") > 0
        self.processes = number(order, "processes")

    def answer(self) -> None:
        """Decide the call that waits."""
        notice = bytearray(struct.calcsize(_NOTICE))
        try:
            fcntl.ioctl(self.listener, _RECEIVE, notice, True)
        except OSError:
            return  # whoever asked was killed in the meantime
        id_, process, _, call, _, _, *arguments = struct.unpack(_NOTICE, notice)
        value = error = flags = 0
        try:
            value, flags = self._decide(_CALLS.get(call, ""), id_, process, arguments)
        except OSError as refused:
            error = refused.errno or errno.EACCES
        try:
            fcntl.ioctl(self.listener, _SEND, struct.pack(_ANSWER, id_, value, -error, flags))
        except OSError:
            return  # as above

    def _decide(self, call: str, id_: int, process: int, arguments: list[int]) -> tuple[int, int]:
        """(what the call returns, 0 or _GO_ON); OSError where it is refused."""
        match call:
            case "socket":
                return self._make(id_, arguments[1]), 0
            case "connect":
                path = self._address(id_, process, arguments)
                if path is None:
                    return 0, _GO_ON
                self._connect(id_, process, arguments[0], path)
                return 0, 0
            case _ if self.processes > 0:
                self.processes -= 1
                return 0, _GO_ON
            case _:
                raise OSError(errno.EAGAIN, "no more processes")

    def _make(self, id_: int, kind: int) -> int:
        mine, other = socketpair(AF_UNIX, SOCK_STREAM)
        other.close()
        try:
            mine.setblocking(not kind & os.O_NONBLOCK)  # SOCK_NONBLOCK and SOCK_CLOEXEC are the same bits
            return self._put(id_, mine, None, kind & os.O_CLOEXEC)
        finally:
            mine.close()

    def _address(self, id_: int, process: int, arguments: list[int]) -> str | None:
        """The path that the child asks for; None for TCP. Where its memory may not be read, the one path that it can mean.

        It is read from the child's memory, and may be another one a moment later: so nothing is let go on that could
        reach a unix socket, and what is connected is the text that was compared.
        """
        try:
            size = min(arguments[2] & _NUMBER_MASK, _LONGEST_ADDRESS)
            given = system.read_memory(process, arguments[1], size)
            fcntl.ioctl(self.listener, _STILL_THERE, struct.pack(_ID, id_))
        except OSError:
            if self.tcp:
                return None
            return next(iter(self.sockets)) if len(self.sockets) == 1 else ""
        family = int.from_bytes(given[:2], "little")
        if family == AF_UNIX:
            return os.fsdecode(given[2:].partition(b"\0")[0])
        if self.tcp:
            return None
        raise OSError(errno.EAFNOSUPPORT, "no network")

    def _connect(self, id_: int, process: int, descriptor: int, path: str) -> None:
        if path not in self.sockets:
            raise OSError(errno.EACCES, "not one of its sockets")
        place = os.open(
            self.sockets[path], os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
        )  # no link that the child has put there
        made = socket(AF_UNIX, SOCK_STREAM)
        try:
            patience = struct.pack("@ll", _SECONDS, 0)
            made.setsockopt(SOL_SOCKET, SO_SNDTIMEO, patience)  # a full backlog
            made.connect(f"/proc/self/fd/{place}")
            made.setsockopt(SOL_SOCKET, SO_SNDTIMEO, bytes(len(patience)))
            made.setblocking(not _flags(process, descriptor) & os.O_NONBLOCK)
            self._put(id_, made, descriptor, os.O_CLOEXEC)
        finally:
            made.close()
            os.close(place)

    def _put(self, id_: int, made: socket, at: int | None, flags: int) -> int:
        """Give the child a descriptor of ours, in place of its own `at` where there is one. Its number there."""
        place = (0, 0) if at is None else (_IN_PLACE, at & _NUMBER_MASK)
        request = bytearray(struct.pack(_DESCRIPTOR, id_, place[0], made.fileno(), place[1], flags))
        return int(fcntl.ioctl(self.listener, _PUT, request, True))


def _flags(process: int, descriptor: int) -> int:
    """Those of an open file of the child's; what network programs use where they cannot be read."""
    try:
        with open(f"/proc/{process}/fdinfo/{descriptor & _NUMBER_MASK}", encoding="ascii") as told:
            return next((int(line.split()[1], 8) for line in told if line.startswith("flags:")), os.O_NONBLOCK)
    except OSError:
        return os.O_NONBLOCK
