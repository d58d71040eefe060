"""Turn bind mounts of paths of the stack's folder into configs and volumes: the machines have no checkout.

A file of the repository becomes a config at its target, a folder of it one for each of its files. A writable folder that the
service's own image is built from is there for development (an editor's changes, live): it is left out. A folder that is not in the
repository is where data is to be: it becomes a named volume. What is left was forgotten in git: it is refused (mounts.py).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.rules import Note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.compose.rules import Path

MOST_FILES: Final = 100
"""Of one folder: each is an object of the swarm, and a mount of every task."""
CONFIG: Final = "config"
"""Stands as the type of a mount that has become configs."""
_LONGEST_NAME: Final = 64 - 13  # swarmkit's limit, and what the content's hash takes
_DIGEST: Final = 6
_PLAIN, _PROGRAM = 0o444, 0o555
_FILE_NAME: Final = re.compile(r"(?:^|/)(?:\.env|[^/]+\.(?!d$)[A-Za-z][A-Za-z0-9]*)$")
"""`x.conf` is a file that is missing, `data` and `conf.d` folders that compose would make."""
_RELATIVE: Final = re.compile(r"\./?(?!\.)")


@dataclass
class _Made:
    """What the mounts of one stack became."""

    stack: str
    files: Mapping[str, bytes]
    taken: Mapping[str, Mapping[str, Any]]
    notes: list[Note] = field(default_factory=list)
    configs: dict[str, Any] = field(default_factory=dict)
    volumes: dict[str, Any] = field(default_factory=dict)


def without_binds(
    config: Mapping[str, Any], stack: str, files: Mapping[str, bytes]
) -> tuple[dict[str, Any], tuple[Note, ...]]:
    """The model with configs and volumes in the place of such mounts, and what to say about them."""
    taken = {section: config.get(section) or {} for section in ("configs", "volumes")}
    made = _Made(stack, files, taken)
    services = dict(config.get("services") or {})
    for name, service in services.items():
        mounts = list(service.get("volumes") or ())
        added: list[dict[str, Any]] = []
        for index, mount in enumerate(mounts):
            mounts[index], configs = _served(made, mount, ("services", name, "volumes", index))
            added += configs
        if mounts:
            configs = [*(service.get("configs") or ()), *added]
            services[name] = {**service, "volumes": mounts} | ({"configs": configs} if configs else {})
    if not made.configs and not made.volumes and not made.notes:
        return dict(config), ()
    result = {**config, "services": services}
    for section, new in (("configs", made.configs), ("volumes", made.volumes)):
        result[section] = {**taken[section], **new}
    return result, tuple(made.notes)


def becomes(path: str, files: Mapping[str, bytes], *, read_only: bool) -> str:
    """`config`, `volume`, or nothing: what a mount of `path`, relative to the stack's folder, becomes."""
    if path in files:
        return "config"
    if any(file.startswith(_folder(path)) and data for file, data in files.items()):
        return "config"
    return "" if read_only or _FILE_NAME.search(path) else "volume"


def without_development(
    mounts: Sequence[Mapping[str, Any]], context: str, files: Mapping[str, bytes], at: Path
) -> tuple[list[Mapping[str, Any]], list[Note]]:
    """The mounts of a service whose image is built from the folder `context`, without writable ones of that folder."""
    kept, notes = list(mounts), []
    for index, mount in enumerate(mounts):
        path = _inside(mount)
        if path is None or mount.get("read_only") or path in files or not _folder(path).startswith(_folder(context)):
            continue
        if becomes(path, files, read_only=False) == "config":
            kept[index] = {"type": CONFIG}
            message = f"{mount['source']} is left out: this service's image is built from it"
            notes.append(Note((*at, index), message, _DEVELOPMENT, key=False))
    return kept, notes


def _inside(mount: Mapping[str, Any]) -> str | None:
    """The path in the stack's folder that it mounts; None where it mounts something else."""
    source = str(mount.get("source", ""))
    if mount.get("type") != "bind" or not (source == "." or source.startswith("./")):
        return None
    return source.removeprefix("./").rstrip("/") or "."


def _served(made: _Made, mount: Mapping[str, Any], at: Path) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """The mount that it becomes, and the configs of the service."""
    path, target = _inside(mount), str(mount.get("target", "")).rstrip("/")
    if path is None:
        return mount, []
    match becomes(path, made.files, read_only=bool(mount.get("read_only"))):
        case "volume":
            return _volume(made, mount, path, at), []
        case "config":
            files = [path] if path in made.files else sorted(f for f in made.files if f.startswith(_folder(path)))
            made.notes += _notes(made, mount, files, at)
            prefix = _folder(path)
            return {"type": CONFIG}, [
                _config(made, file, target if file == path else f"{target}/{file.removeprefix(prefix)}")
                for file in files
                if made.files[file]
            ]
        case _:
            return mount, []


def _config(made: _Made, path: str, target: str) -> dict[str, Any]:
    key = _key(made, "configs", path, always=True)
    made.configs[key] = {"name": f"{made.stack}_{key}", "file": f"./{path}"}
    mode = _PROGRAM if made.files[path].startswith(b"#!") else _PLAIN
    return {"source": key, "target": target, "mode": mode}


def _volume(made: _Made, mount: Mapping[str, Any], path: str, at: Path) -> Mapping[str, Any]:
    known = next((key for key, one in made.volumes.items() if one["x-path"] == path), None)
    key = known or _key(made, "volumes", path, always=False)
    name = f"{made.stack}_{key}"
    made.volumes[key] = {"name": name, "x-path": path}
    others = [one["x-path"] for one in made.volumes.values() if one["x-path"] != path]
    if any(path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in others):
        made.notes.append(Note(at, f"./{path} and a folder inside it are both mounted", _NESTED, "error", key=False))
    message = f"./{path} becomes the volume {name} of whichever machine the service runs on"
    made.notes.append(Note(at, message, "name it yourself under volumes:, and say on which machine it is", key=False))
    kept = {key_: one for key_, one in mount.items() if key_ not in {"type", "source", "bind"}}
    return {**kept, "type": "volume", "source": key}


_DEVELOPMENT: Final = "mounts for development belong into a compose.override.yaml, which is not deployed; what the service writes into a named volume"
_NESTED: Final = "machines have no checkout: name volumes for what belongs together"


def _folder(path: str) -> str:
    return "" if path == "." else f"{path}/"


def _notes(made: _Made, mount: Mapping[str, Any], files: list[str], at: Path) -> list[Note]:
    source = str(mount["source"])
    if len(files) > MOST_FILES:
        message = f"{source} has {len(files)} files; at most {MOST_FILES} of a folder become configs"
        return [Note(at, message, "put them into the image", "error", key=False)]
    if not made.files[files[0]] and len(files) == 1:
        message = f"{source} is empty, and Swarm has no empty configs"
        return [Note(at, message, "put a comment into it, or remove the line", "error", key=False)]
    if mount.get("read_only"):
        return []
    what = (
        "as a config"
        if files == [_inside(mount)]
        else "file by file as configs, and what else is written there goes with its task"
    )
    message = f"{source} is mounted read-only, {what}: the machines have no checkout of this repository"
    return [Note(at, message, "say :ro, or use a named volume for what the service writes", key=False)]


def _key(made: _Made, section: str, path: str, *, always: bool) -> str:
    """A name with the path in it, and a hash of it where that is not enough (`always`: where two may look alike)."""
    new = made.configs if section == "configs" else made.volumes
    room = _LONGEST_NAME - len(made.stack) - 1
    plain = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "folder"
    if not always and plain not in made.taken[section] and plain not in new and len(plain) <= room:
        return plain
    digest = hashlib.sha256(path.encode()).hexdigest()[:_DIGEST]
    key = f"{plain[: max(room - _DIGEST - 1, 1)].strip('-') or 'x'}-{digest}"
    return key if key not in made.taken[section] else f"{key}x"
