"""What a caged program may use, in the words of whoever starts one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from deployer.cage.order import Order

LIBRARIES: Final = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/gnu/store",
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
)
"""Where a program's libraries are, with the loader that starts it. They come with the system, and hold nothing of anybody's."""

CLOCK: Final = ("/etc/localtime", "/usr/share/zoneinfo")
NETWORK: Final = (
    "/etc/resolv.conf",
    "/run/systemd/resolve/stub-resolv.conf",
    "/run/systemd/resolve/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/cert.pem",
    "/etc/ca-certificates",
    "/etc/pki/tls",
    "/etc/pki/ca-trust",
    "/etc/crypto-policies",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
)
"""What it takes to find a host by its name, and to believe its certificate. No private key is in these."""
DOCKER_PLUGINS: Final = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
"""Where the docker CLI looks after the user's own folder (docker/cli, cli-plugins/manager/manager_unix.go)."""
GIB: Final = 1 << 30
_LONGEST_SHEBANG: Final = 256
_SYSTEM: Final = frozenset({"/bin", "/usr/bin", "/usr/local/bin"})


@dataclass(frozen=True)
class Limits:
    """Of one child, and of each that it starts. The kernel ends what goes beyond."""

    seconds: float = 60
    """Until it is ended, with all that it started."""
    cpu: int = 60
    """Seconds of processor time."""
    memory: int = 2 * GIB
    """Bytes that it writes to (RLIMIT_DATA): Go reserves far more addresses than it uses, so those are not counted."""
    file: int = 64 << 20
    """Bytes of the largest file that it may write."""
    files: int = 1024
    """Open at once."""


@dataclass(frozen=True)
class Rules:
    """What one child may use: everything else is refused by the kernel.

    `run` are programs and folders of programs, `read` and `write` files and folders (`write` includes reading); those that are not
    there are left out. `sockets` are unix sockets that it may connect to. `processes` is how many it may start, ever.
    """

    run: tuple[Path | str, ...] = ()
    read: tuple[Path | str, ...] = ()
    write: tuple[Path | str, ...] = ()
    sockets: tuple[Path | str, ...] = ()
    tcp: bool = False
    processes: int = 0
    limits: Limits = field(default_factory=Limits)


def order_of(argv: Sequence[str], rules: Rules, environment: Mapping[str, str]) -> Order:
    """The same for the warden. `argv` begins with the program's path."""
    limits = rules.limits
    return {
        "argv": list(argv),
        "environment": [f"{name}={value}" for name, value in environment.items()],
        "run": [argv[0], *_interpreter(argv[0]), *LIBRARIES, *map(str, rules.run)],
        "read": [*CLOCK, *(NETWORK if rules.tcp else ()), *map(str, rules.read)],
        "write": [*map(str, rules.write)],
        "sockets": [f"{one}\n{_place(str(one), rules.write)}" for one in rules.sockets],
        "tcp": [str(int(rules.tcp))],
        "processes": [str(rules.processes)],
        "cpu": [str(limits.cpu)],
        "memory": [str(limits.memory)],
        "file": [str(limits.file)],
        "files": [str(limits.files)],
        "seconds": [str(limits.seconds)],
    }


def _place(path: str, written: Iterable[Path | str]) -> str:
    """Where a socket is that may be named by a link; a link in a folder that caged programs write to counts for nothing."""
    return path if any(path.startswith(f"{one}/") for one in written) else os.path.realpath(path)


def _interpreter(program: str) -> list[str]:
    """What a script is run by: the programs in its first line, and where those are installed apart from the system (a venv of Python's)."""
    try:
        with open(program, "rb") as file:
            line = file.readline(_LONGEST_SHEBANG)
    except OSError:
        return []  # to start it says so, too
    words = [os.fsdecode(word) for word in line[2:].split() if word.startswith(b"/")] if line.startswith(b"#!") else []
    folders = (os.path.split(path) for word in words for path in (word, os.path.realpath(word)))
    prefixes = [os.path.dirname(folder) for folder, _ in folders if folder not in _SYSTEM and folder.endswith("/bin")]
    return words + [prefix for prefix in prefixes if prefix.count("/") > 1]
