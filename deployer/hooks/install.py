"""Hooks into a repository, and out again. What was there before runs first, and is given back.

Git's hooks are one file each, wherever `core.hooksPath` says. One that somebody else put there becomes NAME.before-deployer.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import DeployerError, UsageError
from deployer.hooks.pushed import Options
from deployer.hooks.settings import GATE as GATE_SETTING
from deployer.hooks.settings import PROC_RECEIVE, settings
from deployer.model.allowed import SETTING
from deployer.model.printable import printable
from deployer.source import git, refs
from deployer.source.permission import check_entries
from deployer.user_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CLIENT: Final = ("pre-commit",)
SERVER: Final = ("pre-receive", "post-receive")
GATE: Final = "proc-receive"
OLDEST_FOR_GATE: Final = (2, 29)
BEFORE: Final = ".before-deployer"
MARK: Final = "# Installed by deployer;"
SETTINGS: Final = {
    "receive.advertisePushOptions": "true",  # git push -o
    "receive.fsckObjects": "true",
    "receive.keepAlive": "1",  # seconds until git notices that a pusher has gone, and the check of the push ends
    "receive.maxInputSize": str(128 << 20),
    "log.initialDecorationSet": "all",  # else `git log --decorate` does not show our refs (git 2.39)
}
"""What a repository that is pushed to should say."""
_MEMORY: Final = "hooks.json"


def install(
    path: Path, say: Callable[[str], None], *, server: bool, gate: str | None = None, allow: Sequence[str] = ()
) -> None:
    """Idempotent. UsageError where there is no repository; DeployerError where the hooks would be everybody's, or cannot be written.

    `gate`: `apply`, and the branch moves only when its deploy has succeeded; `none` takes that back; None leaves it.
    `allow`: what pushed files may name on this machine, beside what is allowed already.
    """
    check_entries(allow)
    repository = git.find(path)
    if gate == "apply":
        _check_gate(repository, _folder(path))
    folder = _folder(path)
    _importable()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in SERVER if server else CLIENT:
            _put(folder / name, say)
    except OSError as error:
        raise DeployerError(f"the hooks cannot be written: {error.strerror}", help=f"check {folder}") from error
    if server:
        _configure(repository, say)
        _gate(repository, folder, gate, say)
        _allow(repository, allow, say)


def uninstall(path: Path, say: Callable[[str], None]) -> None:
    """Gives back the hooks and the settings that `install` found. What was changed since stays as it is."""
    repository = git.find(path)
    folder = _folder(path)
    _gate(repository, folder, "none", say)
    for name in (*CLIENT, *SERVER):
        hook, before = folder / name, folder / f"{name}{BEFORE}"
        if _ours(hook):
            hook.unlink()
            say(f"removed {hook}")
        if os.path.lexists(before) and not os.path.lexists(hook):
            before.rename(hook)
            say(f"gave back {hook}")
    memory = _memory(repository)
    for key, old in _read(memory).items():
        if refs.setting(repository, key) == SETTINGS.get(key):
            refs.configure(repository, key, old)
            say(f"{key} {'is not set' if old is None else f'= {old}'}, as before")
    memory.unlink(missing_ok=True)


def remote_init(
    path: Path, branch: str, say: Callable[[str], None], gate: str | None = None, allow: Sequence[str] = ()
) -> None:
    """A bare repository that is ready for pushes. One that is there already stays; its hooks and settings are put in order."""
    check_entries(allow)
    if path.is_dir() and any(path.iterdir()):
        repository = git.find(path)
        if Path(repository.git_dir) != path.resolve():
            raise UsageError(f"{path} is no bare repository, and not empty", help="name a folder that is not there yet")
    else:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DeployerError(f"{path} cannot be made: {error.strerror}", help="name a folder of yours") from error
        refs.initialise(path, branch)
        repository = git.find(path)
        say(f"made the bare repository {path}")
    refs.configure(repository, "deployer.branch", branch)
    install(path, say, server=True, gate=gate, allow=allow)
    say(f"pushes of {branch} are deployed: git push {path.resolve()} {branch}")


def _check_gate(repository: git.Repository, folder: Path) -> None:
    if refs.git_version(repository.path) < OLDEST_FOR_GATE:
        raise DeployerError("git is older than 2.29, which has no proc-receive", help="install a newer git")
    if os.path.lexists(folder / GATE) and not _ours(folder / GATE):
        raise DeployerError(f"{folder / GATE} is somebody else's, and there can be one only", help="remove it")
    branch = settings(repository, Options()).ref
    if refs.checked_out(repository, branch):
        raise UsageError(
            f"{branch} is checked out in {repository.path}", help="a gate needs a bare repository: deployer remote init"
        )


def _gate(repository: git.Repository, folder: Path, gate: str | None, say: Callable[[str], None]) -> None:
    """The hook proc-receive, and the settings with which git calls it."""
    hook, branch = folder / GATE, settings(repository, Options()).ref
    if gate == "apply":
        _put(hook, say)
        if branch not in refs.every_setting(repository, PROC_RECEIVE):
            refs.configure(repository, PROC_RECEIVE, branch, add=True)
        refs.configure(repository, GATE_SETTING, "apply")
        say(f"a failed deploy refuses the push ({GATE_SETTING} = apply)")
    elif gate == "none" and _ours(hook):
        hook.unlink()
        say(f"removed {hook}")
        refs.configure(repository, GATE_SETTING, None)
        if branch in refs.every_setting(repository, PROC_RECEIVE):
            refs.configure(repository, PROC_RECEIVE, None, only=branch)


def _allow(repository: git.Repository, entries: Sequence[str], say: Callable[[str], None]) -> None:
    for entry in entries:
        if entry not in refs.every_setting(repository, SETTING):
            refs.configure(repository, SETTING, entry, add=True)
        say(f"pushed files may name {printable(entry)} here ({SETTING})")


def _folder(path: Path) -> Path:
    folder, foreign = refs.hooks_folder(path)
    if foreign:
        raise DeployerError(
            f"core.hooksPath of {foreign} makes the hooks of this repository everybody's",
            help=f"give it its own: git -C {shlex.quote(str(path))} config core.hooksPath hooks",
        )
    return Path(folder)


def _importable() -> None:
    """The hook runs this very interpreter, isolated: an installation that only PYTHONPATH shows would not be found."""
    argv = (sys.executable, "-I", "-c", "import deployer")
    done = subprocess.run(argv, cwd="/", capture_output=True, check=False)
    if done.returncode != 0:
        raise DeployerError(
            f"{sys.executable} -I does not find deployer",
            help="install it into an environment: `pip install .` in a clone of its repository",
        )


def _put(hook: Path, say: Callable[[str], None]) -> None:
    before = hook.with_name(f"{hook.name}{BEFORE}")
    if os.path.lexists(hook) and not _ours(hook):
        if os.path.lexists(before):
            raise DeployerError(f"{hook} and {before} are both there", help="remove one of the two")
        hook.rename(before)
        say(f"kept {hook} as {before.name}: it runs first")
    text = "\n".join(
        (
            "#!/bin/sh",
            f"{MARK} `deployer hooks uninstall` gives back what was here.",
            f'exec {shlex.quote(sys.executable)} -I -m deployer hook {hook.name} --first "$0{BEFORE}" -- "$@"',
            "",
        )
    )
    if _ours(hook) and hook.read_text(encoding="utf-8", errors="replace") == text:
        say(f"{hook} is there already")
        return
    write_whole(hook, text.encode(), mode=0o755)
    say(f"wrote {hook}")


def _ours(hook: Path) -> bool:
    try:
        return not hook.is_symlink() and MARK in hook.read_text(encoding="utf-8", errors="replace")[:1000]
    except OSError:
        return False


def _configure(repository: git.Repository, say: Callable[[str], None]) -> None:
    memory = _memory(repository)
    before = _read(memory)
    for key, value in SETTINGS.items():
        old = refs.setting(repository, key) or None
        if old != value:
            before.setdefault(key, old)
            memory.parent.mkdir(mode=0o700, exist_ok=True)
            write_whole(memory, json.dumps(before).encode())
            refs.configure(repository, key, value)
            say(f"{key} = {value}")


def _memory(repository: git.Repository) -> Path:
    return Path(repository.common) / "deployer" / _MEMORY


def _read(memory: Path) -> dict[str, str | None]:
    """The settings as they were, of those that are ours to set; whatever else stands in the file does not count."""
    try:
        found: Any = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {key: old for key, old in pairs if key in SETTINGS and (old is None or isinstance(old, str))}
