"""The way into a machine that was entered before, without reading the repository anew: `machine ssh` is as quick as `ssh`.

What `ssh` is called with is kept for one commit of one repository. Whatever is not as it was then, or not as simple as
usual, is left to the command itself, which keeps it anew. Only the standard library's quickest parts are imported here.
"""

from __future__ import annotations

import json
import os
from typing import Final

FORMAT: Final = 1
"""Raise it with every change of what is kept."""


def enter(name: str, command: list[str]) -> None:
    """Become `ssh`, in the machine of that name; return where it is not known yet how."""
    place = head(os.getcwd())
    argv = place and look(*place, name)
    if argv:
        try:
            os.execvp(argv[0], [*argv, *command])
        except OSError:
            return


def head(directory: str) -> tuple[str, str] | None:
    """The work tree that `directory` is in, and the commit that is checked out there; None where git has to be asked."""
    top = directory
    while not os.path.lexists(os.path.join(top, ".git")):
        above = os.path.dirname(top)
        if above == top:
            return None
        top = above
    commit = _ref(os.path.join(top, ".git"), "HEAD")
    return (top, commit) if commit else None


def _ref(folder: str, name: str, depth: int = 0) -> str:
    """The id that a ref leads to; empty where it is in no file of its own (packed, a linked work tree, another format)."""
    text = _read(f"{folder}/{name}").strip()
    if text.startswith("ref: refs/") and ".." not in text and depth < 3:
        found = _ref(folder, text[5:], depth + 1)
        return found or _pack(folder, text[5:])
    return text if len(text) == 40 and not set(text) - set("0123456789abcdef") else ""


def _pack(folder: str, name: str) -> str:
    lines = _read(f"{folder}/packed-refs").splitlines()
    return next((line[:40] for line in lines if line[40:] == f" {name}"), "")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError):
        return ""


def look(top: str, commit: str, name: str) -> list[str] | None:
    """What was kept for this machine of this commit, if all that it depends on is as it was."""
    try:
        kept = json.loads(_read(_file(top)))
        if kept["of"] != _identity(top, commit):
            return None
        argv: list[str] = kept["machines"][name]
    except (ValueError, KeyError, TypeError):
        return None
    return argv if argv[:1] == ["ssh"] and all(map(_ours, (_file(top), *kept["files"]))) else None


def _ours(path: str) -> bool:
    """Whether a file is there and nobody else could have written it: what stands in it is run, or believed."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022


def keep(top: str, commit: str, name: str, argv: tuple[str, ...], files: tuple[str, ...]) -> None:
    """Note how `ssh` is called for a machine, and the files that it needs. What cannot be written is not kept."""
    try:
        kept = json.loads(_read(_file(top)))
        machines = kept["machines"] if kept["of"] == _identity(top, commit) else {}
        files = tuple({*files, *(kept["files"] if machines else ())})
    except (ValueError, KeyError, TypeError):
        machines = {}
    text = json.dumps({"of": _identity(top, commit), "machines": {**machines, name: argv}, "files": files})
    path = _file(top)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(f"{path}.{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{path}.{os.getpid()}", path)
    except OSError:
        return


def _identity(top: str, commit: str) -> list[str | int]:
    """All that the way into a machine depends on: the repository, and what ssh_config makes of it."""
    changed = []
    for path in (os.path.expanduser("~/.ssh/config"), "/etc/ssh/ssh_config"):
        try:
            changed.append(os.stat(path).st_mtime_ns)
        except OSError:
            changed.append(0)
    return [FORMAT, top, commit, *changed]


def _file(top: str) -> str:
    """One a repository, under $XDG_CACHE_HOME/deployer (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    if not home.startswith("/"):
        home = os.path.expanduser("~/.cache")
    return f"{home}/deployer/ssh/quick{top.replace('%', '%25').replace('/', '%')[-200:]}.json"
