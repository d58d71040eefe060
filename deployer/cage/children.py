"""Start programs in cages. The caller gives argv and rules, and gets the output and the exit code.

One warden a process, started with the first child (or before, by `prepare`) and ended with the process. Threads may start
children at the same time.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.cage.order import pack
from deployer.cage.rules import order_of
from deployer.cage.switch import is_off, note_unconfined
from deployer.errors import DeployerError
from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deployer.cage.rules import Limits, Rules

LARGEST_OUTPUT: Final = 64 << 20
"""Bytes of each of its two streams; beyond, the child is ended."""
GRACE_SECONDS: Final = 10.0
"""How long a warden may take to tell of a child whose time is up."""
_BOOT: Final = (
    "import sys; sys.path.append(sys.argv[1]); from deployer.cage.warden import main; sys.exit(main(sys.argv[2:]))"
)
_NOTHING: Final[Mapping[str, str]] = {}
_NO_MEMORY: Final = re.compile(
    rb"^(?:fatal error: |runtime: )?(?:runtime: )?(?:out of memory|cannot allocate memory)", re.MULTILINE
)
"""How Go, and git, end when they get no more."""


class CageError(DeployerError):
    """A program could not be put into a cage, and was not started."""


class StoppedError(DeployerError):
    """The run is being ended, and this child was ended with it."""


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code, or minus the signal that ended it."""

    code: int
    out: bytes
    err: bytes
    beyond: str = ""
    """What it needed more of than its limits give: `60 s`, `60 s of processor time`, `2048 MiB of memory`, `64 MiB of output`."""


def warden_argv(*arguments: str) -> list[str]:
    """How a warden is started: without the packages of the site, whose import takes longer than all the rest."""
    return [sys.executable, "-I", "-S", "-c", _BOOT, str(Path(__file__).parents[2]), *arguments]


class _Warden:
    """A warden that serves this process."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                warden_argv("serve", str(theirs.fileno())),
                env={"LC_ALL": "C.UTF-8"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C at a terminal is for us; we end the children then
            )

    @property
    def serves(self) -> bool:
        return self.owner == os.getpid() and self.process.poll() is None

    def send(self, order: bytes, descriptors: Sequence[int]) -> None:
        self.control.sendmsg([order], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])

    def close(self) -> None:
        """End it, and its children with it."""
        self.control.close()
        if self.owner != os.getpid():  # we are a fork of the process that it serves, and close our copy alone
            self.process.returncode = 0
            return
        try:
            self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


_lock: Final = threading.Lock()
_wardens: Final[list[_Warden]] = []
"""None, or the one."""


def prepare() -> None:
    """Start the warden where there is none: it is ready, then, when the first child is wanted."""
    with _lock:
        _the_warden()


def _the_warden() -> _Warden:
    if _wardens and not _wardens[0].serves:
        _wardens.pop().close()
    if not _wardens:
        _wardens.append(_Warden())
        atexit.register(end_all)
    return _wardens[0]


def end_all() -> None:
    """End every child of this process. Whoever waits for one gets StoppedError; a later child gets a new warden."""
    with _lock:
        atexit.unregister(end_all)
        while _wardens:
            _wardens.pop().close()


def run_caged(
    argv: Sequence[str],
    *,
    rules: Rules,
    environment: Mapping[str, str] = _NOTHING,
    stdin: bytes = b"",
    folder: Path | str = "/",
) -> Ended:
    """Run a program in `folder` and in a cage until it ends. `argv` begins with its path; nothing of our own environment reaches it.

    Raises CageError where it could not be started in a cage, StoppedError where `end_all` ended it.
    """
    order = pack(order_of(argv, rules, environment) | {"folder": [str(folder)]} | _switched())
    with contextlib.ExitStack() as opened:

        def pipe() -> tuple[FileIO, FileIO]:
            reading, writing = os.pipe()
            return opened.enter_context(FileIO(reading)), opened.enter_context(FileIO(writing, "w"))

        (given, feed), (out, out_end), (err, err_end) = pipe(), pipe(), pipe()
        told, tell = (opened.enter_context(end) for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        with _lock:
            try:
                _the_warden().send(order, (given.fileno(), out_end.fileno(), err_end.fileno(), tell.fileno()))
            except OSError as error:
                raise CageError(f"{argv[0]} cannot be started in a cage: {error.strerror}") from None
        for theirs in (given, out_end, err_end, tell):
            theirs.close()
        return _Conversation(told, feed, stdin, (out, err)).ended(rules.limits, argv[0])


@contextlib.contextmanager
def caged_call(
    folder: Path, argv: Sequence[str], rules: Rules, environment: Mapping[str, str], output: Path | None = None
) -> Iterator[list[str]]:
    """What starts `argv` in a cage, for a library that starts programs by itself: it adds arguments to it, and may do so often.

    The order goes over a socket in `folder`, which is private, and touches no disk. `output` takes what the program writes.
    """
    order = order_of(argv, rules, environment) | _switched() | ({"output": [str(output)]} if output else {})
    data, path = pack(order), folder / "order"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def hand_out() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:  # shut down below
                    return
                with connection, contextlib.suppress(OSError):
                    connection.sendall(data)

        thread = threading.Thread(target=hand_out, daemon=True)
        thread.start()
        try:
            yield warden_argv("one", str(path))
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _switched() -> dict[str, list[str]]:
    return {"off": ["1"]} if is_off() else {}


class _Conversation:
    """Input to the child, output from it, and the warden's word that it has ended."""

    def __init__(self, told: socket.socket, feed: FileIO, stdin: bytes, streams: tuple[FileIO, FileIO]) -> None:
        self.told, self.feed, self.streams = told, feed, streams
        self.rest = memoryview(stdin)
        self.said = {stream.fileno(): bytearray() for stream in streams}
        self.answer: bytes | None = None
        self.why = ""

    def ended(self, limits: Limits, program: str) -> Ended:
        deadline = time.monotonic() + limits.seconds + GRACE_SECONDS
        os.set_blocking(self.feed.fileno(), False)
        with selectors.PollSelector() as waiting:
            for one in (self.told, *self.streams):
                waiting.register(one, selectors.EVENT_READ)
            waiting.register(self.feed, selectors.EVENT_WRITE)
            while waiting.get_map():
                ready = waiting.select(max(deadline - time.monotonic(), 0.0))
                if not ready and time.monotonic() >= deadline:
                    raise CageError(f"{program} does not end, and cannot be ended", help="this is a bug: report it")
                for key, _ in ready:
                    if self._done(key.fd):
                        waiting.unregister(key.fd)
        if not self.answer:
            raise StoppedError(f"{program} was ended before it was done")
        status, cpu, why, confined, failure = self.answer.decode(errors="replace").split("\0", 4)
        if failure:
            message = f"{program} cannot be started in a cage: {printable(failure)[:300]}"
            raise CageError(message, help="`deployer doctor` says what this machine has")
        if not confined:
            note_unconfined()
        code = os.waitstatus_to_exitcode(int(status))
        out, err = (bytes(self.said[stream.fileno()]) for stream in self.streams)
        return Ended(code, out, err, _beyond(self.why or why, code, err, float(cpu), limits))

    def _done(self, descriptor: int) -> bool:
        """See to what can be read or written; whether that was the end of it."""
        if descriptor in self.said:
            chunk = os.read(descriptor, 1 << 16)
            self.said[descriptor] += chunk
            if len(self.said[descriptor]) > LARGEST_OUTPUT and not self.why:
                self.why = "output"
                self.told.shutdown(socket.SHUT_WR)  # for the warden as if nobody waited any more
            return not chunk
        if descriptor == self.told.fileno():
            self.answer = self.told.recv(8192)
            return True
        try:
            self.rest = self.rest[self.feed.write(self.rest[: 1 << 16]) or 0 :]
        except BrokenPipeError:
            self.rest = self.rest[:0]  # it does not want it
        if not self.rest:
            self.feed.close()
        return self.feed.closed


def _beyond(why: str, code: int, err: bytes, cpu: float, limits: Limits) -> str:
    """What the child had too little of, where that is known."""
    if why == "time":
        return f"{limits.seconds:g} s"
    if why == "output":
        return f"{LARGEST_OUTPUT >> 20} MiB of output"
    if code == -signal.SIGXCPU or (code < 0 and cpu >= limits.cpu):
        return f"{limits.cpu} s of processor time"
    if code == -signal.SIGKILL or (code != 0 and _NO_MEMORY.search(err)):
        return f"{limits.memory >> 20} MiB of memory"
    return ""
