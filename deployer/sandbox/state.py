"""Where the sandbox keeps keys on this machine: one folder a sandbox, readable by its owner alone."""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deployer.errors import BusyError
from deployer.sandbox.spec import checked_name
from deployer.user_files import make_private_folder, state_home, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOCK_SECONDS = 900.0


def root() -> Path:
    return state_home() / "deployer" / "sandbox"


def folder(name: str) -> Path:
    """The sandbox's own folder; raises UsageError for a name that could lead elsewhere."""
    return root() / checked_name(name, "sandbox")


def identity_file(name: str) -> Path:
    return folder(name) / "id_ed25519"


def known_hosts_file(name: str) -> Path:
    return folder(name) / "known_hosts"


def write_private(path: Path, text: str) -> None:
    """`text` at `path`, 0600 in folders of 0700, whole or not at all."""
    make_private_folder(path.parent)
    write_whole(path, text.encode())


@contextmanager
def locked(name: str, say: Callable[[str], None]) -> Iterator[None]:
    """One `up` or `down` at a time for one sandbox; a second one waits, and raises BusyError after 15 minutes.

    The kernel releases the lock when its holder ends, however it ends. The file goes away with `down --purge`.
    """
    make_private_folder(folder(name))
    with (folder(name) / "lock").open("w") as file:
        deadline, told = time.monotonic() + LOCK_SECONDS, False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise BusyError(f"another command has been working on the sandbox {name} for 15 minutes") from error
            if not told:
                say(f"another command is working on the sandbox {name}; waiting for it")
                told = True
            time.sleep(0.2)
        yield
