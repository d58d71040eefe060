"""What this machine has for cages, in the words of `deployer doctor`; and a program that tries to get out of one."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.cage import kernel
from deployer.cage.children import run_caged
from deployer.cage.filters import SIGNALS_SINCE, TRUNCATE_SINCE
from deployer.cage.rules import Rules
from deployer.errors import DeployerError
from deployer.model.doctor import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.cage.kernel import Kernel

_NEWER: Final = "a newer kernel"
_REFUSES: Final = (
    "hooks and `deployer watch` take no files from others here, unless deployer.cage=off in the repository"
)
_TRIES: Final = """
import json, os, socket, sys
file, given, other = sys.argv[1:]

def attempt(act):
    try:
        act()
    except OSError:
        return False
    return True

def unix(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.connect(path)

def fork():
    if os.fork() == 0:
        os._exit(0)

done = {
    "read a file that it was not given": attempt(lambda: open(file).close()),
    "change the mode of that file": attempt(lambda: os.chmod(file, 0o644)),
    "use the network": attempt(lambda: socket.socket(socket.AF_INET).close()),
    "connect to another unix socket": attempt(lambda: unix(other)),
    "start a process": attempt(fork),
}
reached = attempt(lambda: unix(given))
os.write(1, json.dumps([[what for what, could in done.items() if could], reached]).encode())
os._exit(0)
"""


def walls(found: Kernel) -> Iterator[Check]:
    """What the kernel has of it."""
    landlock = f"Landlock, version {found.landlock} of its ABI" if found.landlock else "no Landlock"
    if not found.landlock:
        means = f"programs that read pushed files could read every file of this account; {_REFUSES}"
        yield Check("files", "missing", landlock, means, "Linux 5.13 or newer, with `landlock` in its `lsm=`")
    elif found.landlock < TRUNCATE_SINCE:
        means = "programs that write (git on a remote, builds) could empty a file that they may read"
        yield Check("files", "partly", landlock, means, f"{_NEWER}: 6.2")
    else:
        yield Check("files", "ok", landlock)
    if not found.filters:
        means = f"programs that read pushed files could use the network and this account's other processes; {_REFUSES}"
        advice = "a kernel with CONFIG_SECCOMP_FILTER, on x86_64, aarch64 or riscv64"
        yield Check("network and processes", "missing", "no seccomp filters", means, advice)
        return
    yield Check("network and processes", "ok", "seccomp filters")
    if found.listens and found.landlock:
        yield Check("unix sockets", "ok", "each is connected by a supervisor")
    else:
        means = "a program with one unix socket, such as an engine's, could use this account's others"
        yield Check("unix sockets", "partly", "seccomp without a supervisor", means, f"{_NEWER}: 5.13")
    if found.landlock >= SIGNALS_SINCE:
        yield Check("signals", "ok", "they stay inside")
    else:
        means = "a program that starts others (git, sops, docker's plugins) could end processes of this account"
        yield Check("signals", "partly", "not kept inside", means, f"{_NEWER}: 6.12")


def tried() -> Check:
    """A real program in a real cage, with one socket, that tries for more."""
    with tempfile.TemporaryDirectory(prefix="deployer-") as name, contextlib.ExitStack() as opened:
        file, places = Path(name, "file"), [Path(name, "given"), Path(name, "other")]
        file.touch(0o600)
        for place in places:
            listener = opened.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(place))
            listener.listen()
        argv = [sys.executable, "-I", "-S", "-c", _TRIES, str(file), *map(str, places)]
        prefixes = (sys.base_prefix, sys.prefix)
        try:
            ended = run_caged(argv, rules=Rules(run=prefixes, sockets=(places[0],)))
            could, reached = json.loads(ended.out)
        except (DeployerError, ValueError) as error:
            means = f"no stack can be compiled here: {getattr(error, 'message', 'the program said nothing')}"
            return Check("a caged program", "missing", "did not start", means, "this is a bug: report it")
    if could or not reached:
        means = (
            f"a program that reads pushed files could: {', '.join(could)}"
            if could
            else "stacks cannot be compiled here"
        )
        said = "was tried, and held in part" if could else "could not use the socket that it was given"
        return Check("a caged program", "partly" if reached else "missing", said, means, "see the lines above")
    return Check("a caged program", "ok", "was tried, and held")


def checks() -> Iterator[Check]:
    yield from walls(kernel.look())
    yield tried()
