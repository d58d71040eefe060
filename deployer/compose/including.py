"""`include` and `extends`: which files they bring in, from which folders, with which variables."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.encode import Inside
from deployer.compose.locate import named
from deployer.compose.walk import CHECKOUT, items

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.compose.reading import Reading
    from deployer.compose.rules import Path
    from deployer.compose.walk import Walk

_NO_FILE: Final = "/dev/null"
"""As the env file of an include: none, not even its `.env`."""


def include(walk: Walk, reading: Reading, value: dict[str, Any]) -> None:
    given = value.get("include")
    if given is None:
        return
    if not isinstance(given, list):
        walk.refuse(reading, ("include",), "include must be a list", "write include: [FILE]")
        return
    walk.refuse_tags(reading, ("include",))
    value["include"] = [
        made for index, item in enumerate(given) if (made := _included(walk, reading, ("include", index), item))
    ]


def _included(walk: Walk, reading: Reading, at: Path, item: Any) -> dict[str, Any] | None:
    """The item as compose gets it: files alone. Each lies in the folder from which its paths count."""
    given = {"path": item} if isinstance(item, str) else item
    known = {"path", "project_directory", "env_file"}
    if not isinstance(given, dict) or not given.keys() <= known or not _texts(given.get("path")):
        message = f"{named(at)} is no file to include"
        walk.refuse(reading, at, message, f"write a path, or a mapping of {', '.join(sorted(known))}")
        return None
    long = isinstance(item, dict)
    paths = [
        path
        for place, one in items(given["path"], (*at, "path") if long else at)
        if (path := walk.find(reading, place, one, "file")) is not None
    ]
    base = _project_directory(walk, reading, (*at, "project_directory"), given, paths)
    outside = given.get("env_file")
    if outside is not None and not _texts(outside):
        walk.refuse(reading, (*at, "env_file"), "env_file must be a path or a list of paths", "")
        return None
    named_files = [
        path
        for place, one in items(outside, (*at, "env_file"))
        if one != _NO_FILE and (path := walk.find(reading, place, one, "file")) is not None
    ]
    if base is None or not paths:
        return None
    env_files = walk.own_env(base) if not outside else named_files
    # compose-go, loader/include.go: the including project's variables win.
    variables = walk.env.project(env_files, reading.variables)
    files = []
    for path in paths:
        child = walk.reading(path, base, variables)
        if child is not None:
            reading.includes.append((at, child))
            files.append(Inside(f"{CHECKOUT}/{child.file}"))
    return {"path": files}


def _project_directory(
    walk: Walk, reading: Reading, at: Path, given: Mapping[str, Any], paths: Sequence[str]
) -> str | None:
    folder = given.get("project_directory")
    if folder is None or folder == "":
        return posixpath.dirname(paths[0]) if paths else None
    if not isinstance(folder, str):
        walk.refuse(reading, at, "project_directory must be a path", "write a folder of the stack")
        return None
    return walk.find(reading, at, folder, "folder")


def extends(walk: Walk, reading: Reading, at: Path, service: dict[str, Any]) -> None:
    given = service.get("extends")
    at = (*at, "extends")
    if given is None:
        return
    walk.refuse_tags(reading, at)
    if isinstance(given, str):
        reading.extends[str(at[1])] = (reading, given)
        return
    if (
        not isinstance(given, dict)
        or not given.keys() <= {"service", "file"}
        or not isinstance(given.get("service"), str)
    ):
        walk.refuse(reading, at, "extends must name a service", "write {file: FILE, service: NAME}")
        return
    file = given.get("file")
    if file is None:
        reading.extends[str(at[1])] = (reading, given["service"])
        return
    path = walk.find(reading, (*at, "file"), file, "file") if isinstance(file, str) else None
    if not isinstance(file, str):
        walk.refuse(reading, (*at, "file"), "file must be a path", "write a file of the stack")
    other = walk.reading(path, posixpath.dirname(path), reading.variables) if path is not None else None
    if other is not None:
        reading.extends[str(at[1])] = (other, given["service"])
        service["extends"] = {**given, "file": Inside(f"{CHECKOUT}/{other.file}")}


def _texts(value: Any) -> bool:
    """A text, or a list of nothing but texts that is not empty."""
    return isinstance(value, str) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    )
