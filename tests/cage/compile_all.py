"""Compiles every stack of the tests, and hostile ones, in a network of its own where it may have one; says what came of it.

What is printed is all that a pusher could see: objects, problems, errors; and how many packets were sent.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from deployer.compose import compile_stacks
from deployer.errors import DeployerError, InvalidFilesError
from tests.cage.canaries import hostile
from tests.compose.conftest import stack_of

ROOT = Path(__file__).parents[2]
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000


def own_network() -> bool:
    """A network with nothing but a loopback, which is up."""
    libc = ctypes.CDLL(None)
    if libc.unshare(NEW_NETWORK) != 0 and libc.unshare(NEW_USER | NEW_NETWORK) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        fcntl.ioctl(made, 0x8914, struct.pack("16sH14s", b"lo", 1, b""))  # SIOCSIFFLAGS: up
    return True


def packets() -> int:
    line = next(line for line in Path("/proc/self/net/dev").read_text().splitlines() if line.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[1])


def corpus() -> dict[str, dict[str, Any]]:
    folders = sorted((ROOT / "tests/compose/stacks").iterdir())
    honest = {
        folder.name: {
            file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
        }
        for folder in folders
    }
    attacks = {f"attack-{name}": {"compose": text} for name, text in hostile(Path(os.environ["HOME"])).items()}
    attacks["attack-remote"][".env"] = "COMPOSE_EXPERIMENTAL_OCI_REMOTE=1\nCOMPOSE_EXPERIMENTAL_GIT_REMOTE=1\n"
    return honest | attacks


def main() -> None:
    alone = own_network()
    before = packets() if alone else 0
    told: dict[str, str] = {}
    for name, files in corpus().items():
        try:
            told[name] = repr(compile_stacks([stack_of(name, **files)]))
        except InvalidFilesError as error:
            told[name] = f"invalid: {error.problems!r}"
        except DeployerError as error:
            told[name] = f"failed: {error.message} {error.help}"
    with contextlib.suppress(BrokenPipeError):
        json.dump({"told": told, "alone": alone, "packets": packets() - before if alone else 0}, sys.stdout)


if __name__ == "__main__":
    main()
