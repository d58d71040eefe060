"""What is to be followed: a working copy, a branch of a repository on this machine, a branch of a remote.

Each says what is wanted now, as a word that changes when it does, and where that is read from. What is on this machine rings a bell
when it changes (inotify, by watchdog); all are also looked at from time to time, as bells may be missed.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from deployer.errors import UsageError
from deployer.model.allowed import SETTING
from deployer.source import git, refs, remotes
from deployer.source.files import MANAGED
from deployer.source.permission import permission
from deployer.source.repository import state_directory
from deployer.workflow import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog.observers.api import BaseObserver

    from deployer.model.allowed import Allowed

    Ring = Callable[[], None]

SETTLE_SECONDS: Final = 0.5
"""How long files have to be still: an editor writes several at once."""


class Origin(Protocol):
    """Something that can be followed."""

    name: str
    """For people: what is followed."""
    settle: float
    """Seconds to wait after a bell before looking; 0 only if one change rings once."""

    @property
    def repository(self) -> git.Repository | None:
        """Whose settings say what its files may do here; none for files as somebody saves them, who runs this."""

    def look(self) -> str:
        """Return a word for what is wanted now; empty if nothing is. DeployerError if that cannot be told: then nothing has changed."""

    def source(self, wanted: str) -> validate.Source:
        """Where `wanted` is read from, brought to this machine. Raises DeployerError."""

    def start(self, ring: Ring) -> None:
        """Call `ring` from now on, from any thread, whenever something may have changed."""

    def stop(self) -> None: ...


class _Watched:
    """Folders that are watched while it is started."""

    def __init__(self) -> None:
        self._observer: BaseObserver | None = None

    def folders(self) -> list[tuple[Path, bool]]:
        """(folder, with all below it); those that are not there are left out."""
        raise NotImplementedError

    def start(self, ring: Ring) -> None:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler  # noqa: PLC0415 - 0.1 s; a remote needs none
        from watchdog.observers import Observer  # noqa: PLC0415 - see above

        class Bell(FileSystemEventHandler):
            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type not in {
                    "opened",
                    "closed_no_write",
                }:  # reading is no change: we read them ourselves
                    ring()

        self._observer = Observer()
        for folder, deep in self.folders():
            self._observer.schedule(Bell(), str(folder), recursive=deep)
        self._observer.daemon = True
        self._observer.start()

    def stop(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()


class WorkingCopy(_Watched):
    """The files of a directory as they are: for trying things out."""

    settle = SETTLE_SECONDS
    repository = None

    def __init__(self, repo: Path) -> None:
        super().__init__()
        self.root = repo if (repo / "cluster").is_dir() else git.toplevel(repo) or repo
        self.name = f"the files of {self.root}"
        if not (self.root / "cluster").is_dir():
            raise UsageError(f"{self.root} has no folder cluster/", help="`deployer init` lays one out")

    def folders(self) -> list[tuple[Path, bool]]:
        # The root itself too: `stacks/` may come later, or be replaced as a whole.
        return [(self.root, False), *((self.root / name, True) for name in MANAGED if (self.root / name).is_dir())]

    def look(self) -> str:
        """A digest of names, sizes and times: whether the files say something else is for the plan to find out."""
        digest = hashlib.sha256()
        for name in MANAGED:
            for folder, folders, files in os.walk(self.root / name):
                folders.sort()
                for file in sorted(files):
                    path = Path(folder, file)
                    try:
                        told = path.lstat()
                    except OSError:
                        continue  # just removed
                    digest.update(
                        f"{path}\0{told.st_size}\0{told.st_mtime_ns}\0{told.st_ino}\n".encode(errors="replace")
                    )
        return digest.hexdigest()

    def source(self, wanted: str) -> validate.Source:  # noqa: ARG002 - there is only one state of files
        return validate.Source(self.root, worktree=True, allowed=_read_permission(self.root))


class Branch(_Watched):
    """A branch of a repository on this machine: its own hooks are not needed."""

    settle = 0.0

    def __init__(self, repo: Path, branch: str | None) -> None:
        super().__init__()
        self.repository = git.find(repo)
        self.branch = branch or refs.setting(self.repository, "deployer.branch") or refs.current_branch(self.repository)
        self.name = f"branch {self.branch} of {repo}"

    def folders(self) -> list[tuple[Path, bool]]:
        common = Path(self.repository.common)
        deep = [common / "refs" / "heads", common / "reftable"]
        return [(common, False), *((folder, True) for folder in deep if folder.is_dir())]  # `common`: packed-refs

    def look(self) -> str:
        found = refs.value(self.repository, f"refs/heads/{self.branch}")
        if not found:
            raise UsageError(
                f"there is no branch {self.branch}", help="push or commit to it, or name another with --branch"
            )
        return found

    def source(self, wanted: str) -> validate.Source:
        return validate.Source(self.repository.path, wanted, allowed=_read_permission(self.repository.path))


class Remote:
    """A branch of a remote, asked by `git ls-remote`; fetched into a bare repository of this user's when it has moved."""

    settle = 0.0

    def __init__(self, address: str, branch: str | None) -> None:
        self.address = remotes.checked_address(address)
        self.branch = branch or "main"
        self.name = f"branch {self.branch} of {remotes.shown_address(address)}"
        self.path = state_directory() / "watch" / f"{hashlib.sha256(address.encode()).hexdigest()[:16]}.git"

    @property
    def repository(self) -> git.Repository:
        """Where it is fetched into: made where there is none, as an operator's settings stand in there."""
        if not (self.path / "objects").is_dir():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            refs.initialise(self.path, self.branch)
        return git.find(self.path)

    def look(self) -> str:
        return remotes.tip(self.address, self.branch)

    def source(self, wanted: str) -> validate.Source:
        repository = self.repository
        if refs.value(repository, f"refs/heads/{self.branch}") != wanted:
            remotes.fetch(repository, self.address, self.branch)
        return validate.Source(self.path, wanted, allowed=_read_permission(self.path))

    def start(self, ring: Ring) -> None:
        """Nobody rings: a remote is asked."""

    def stop(self) -> None:
        """Nothing was started."""


def _read_permission(path: Path) -> Allowed:
    """What is followed comes from other people, as a push does: the followed repository's own configuration says what it may name here."""
    try:
        repository = git.find(path)
    except UsageError:  # a folder without git
        repository = None
    command = f"git -C {shlex.quote(str(path))} config --add {SETTING}"
    return permission(repository, command, "on the machine that runs `deployer watch`")
