"""A stack's files in, every path that they refer to checked, before any tool of Docker's sees them.

All of them have to be files of the stack itself, at the same commit: nothing absolute, nothing above the stack's
folder, nothing from elsewhere (FAULTS.md, S-01 and S-02). Each YAML file that Docker would read is read here first.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.compose.binds import becomes
from deployer.compose.interpolation import fill_in, read_env
from deployer.compose.mounts import NO_CHECKOUT, USE_CONFIG
from deployer.document import COMPOSE_TAGS, Document, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.compose.rules import Path
    from deployer.model.problem import Problem
    from deployer.model.stack import StackSource

MOST_DOCUMENTS: Final = 50
_REMOTE: Final = re.compile(r".*[:#]|github\.com/|.*\.git$", re.DOTALL)
"""What compose's loaders for git and OCI accept, and more: no path of a stack needs a ':' or '#'."""
_WORKING_DIRECTORY: Final = re.compile(r"(?<!\$)(?:\$\$)*\$\{?PWD\b")

Use = Literal["yaml", "text", "secret", "config", "folder"]
_Next = tuple[str, str, "Mapping[str, str] | None"]
"""A YAML file to read, the folder from which its paths count, and its variables."""


@dataclass(frozen=True)
class References:
    """What a stack's files refer to. `documents` are by path in the stack's folder, the compose file itself first."""

    documents: Mapping[str, Document]
    problems: tuple[Problem, ...]
    secret_files: frozenset[str]
    """Files that are secrets and nothing else: no tool has to see what is in them."""
    environment: frozenset[str]
    """Variables that configs and secrets are made of."""


@dataclass
class _Walk:
    stack: StackSource
    files: Mapping[str, bytes]
    documents: dict[str, Document] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    uses: dict[str, set[Use]] = field(default_factory=dict)
    environment: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Reading:
    """One document, the folder from which its paths count, and the variables that are known in it."""

    document: Document
    base: str
    variables: Mapping[str, str] | None


def references(stack: StackSource) -> References:
    """Follows `include` and `extends` through at most 50 files; problems are those of all of them."""
    walk = _Walk(stack, dict(stack.files))
    waiting: list[_Next] = [
        (stack.entry, posixpath.dirname(stack.entry), _variables(walk, posixpath.dirname(stack.entry)))
    ]
    while waiting:
        path, base, variables = waiting.pop(0)
        if path in walk.documents or path not in walk.files:
            continue
        document, problems = parse(posixpath.join(stack.root, path), walk.files[path], tags=COMPOSE_TAGS)
        walk.problems += problems
        if document is None:
            continue
        if len(walk.documents) >= MOST_DOCUMENTS:
            walk.problems.append(document.problem((), f"a stack of more than {MOST_DOCUMENTS} files is not read"))
            break
        walk.documents[path] = document
        waiting += _visit(walk, _Reading(document, base, variables))
    secrets = frozenset(path for path, uses in walk.uses.items() if uses == {"secret"}) - walk.documents.keys()
    return References(walk.documents, tuple(walk.problems), secrets, frozenset(walk.environment))


def _visit(walk: _Walk, reading: _Reading) -> Iterator[_Next]:
    """Checks one document; yields the YAML files that it brings in, with their bases and variables."""
    value = reading.document.value
    if not isinstance(value, dict):
        return
    _working_directory(walk, reading.document)
    _left_out(walk, reading.document)
    for at, one in _items(value.get("include"), ("include",)):
        yield from _include(walk, reading, at, one)
    for name, service in _mapping(value.get("services")).items():
        at = ("services", name)
        given = _mapping(service)
        _check_service(walk, reading, at, given)
        extended = _mapping(given.get("extends")).get("file")
        path = _check(walk, reading, (*at, "extends", "file"), extended, "yaml")
        if path is not None:
            yield path, posixpath.dirname(path), reading.variables
    for kind, use in (("configs", "config"), ("secrets", "secret")):
        for name, one in _mapping(value.get(kind)).items():
            source = _mapping(one)
            _check(walk, reading, (kind, name, "file"), source.get("file"), use)  # type: ignore[arg-type]  # a str of the pair above
            if isinstance(source.get("environment"), str):
                walk.environment.add(source["environment"])


def _include(walk: _Walk, reading: _Reading, at: Path, one: Any) -> Iterator[_Next]:
    given = _mapping(one)
    paths = [
        _check(walk, reading, place, item, "yaml")
        for place, item in ([(at, one)] if isinstance(one, str) else _items(given.get("path"), (*at, "path")))
    ]
    folder = _check(walk, reading, (*at, "project_directory"), given.get("project_directory"), "folder")
    base = folder if folder is not None else posixpath.dirname(next((path for path in paths if path), ""))
    variables = _variables(walk, base)
    for place, item in _items(given.get("env_file"), (*at, "env_file")):
        path = _check(walk, reading, place, item, "text")
        variables = read_env(walk.files[path]) if path else None
    # compose-go, loader/include.go: the including project's variables win.
    merged = None if variables is None or reading.variables is None else {**variables, **reading.variables}
    yield from ((path, base, merged) for path in paths if path is not None)


def _check_service(walk: _Walk, reading: _Reading, at: Path, service: Mapping[str, Any]) -> None:
    for key in ("env_file", "label_file"):
        for place, item in _items(service.get(key), (*at, key)):
            given = _mapping(item)
            _check(
                walk,
                reading,
                (*place, "path") if given else place,
                given.get("path", item),
                "text",
                optional=given.get("required") is False,
            )
    build = service.get("build")
    context = _mapping(build).get("context") if isinstance(build, dict) else build
    if isinstance(context, str) and not _REMOTE.match(fill_in(context, reading.variables) or ""):
        _check(
            walk, reading, (*at, "build", "context") if isinstance(build, dict) else (*at, "build"), context, "folder"
        )
    for place, item in _items(service.get("volumes"), (*at, "volumes")):
        _check_mount(walk, reading, place, item)


def _check_mount(walk: _Walk, reading: _Reading, at: Path, item: Any) -> None:
    """A relative source cannot exist on the machines; one with variables is judged when Docker has filled them in."""
    given = _mapping(item)
    source = given.get("source") if given.get("type") == "bind" else item if isinstance(item, str) else None
    filled = fill_in(source, reading.variables) if isinstance(source, str) else None
    if filled is None or not filled.startswith((".", "~")) or (isinstance(item, str) and ":" not in item):
        return
    path = filled if given else filled.partition(":")[0]
    read_only = given.get("read_only") is True if given else "ro" in filled.split(":")[-1].split(",")
    inside = posixpath.normpath(posixpath.join(reading.base, path))
    if path.startswith(".") and not inside.startswith("..") and becomes(inside, walk.files, read_only=read_only):
        for file in walk.files:
            if file == inside or file.startswith(inside + "/") or inside == ".":
                walk.uses.setdefault(file, set()).add("config")
        return
    message, advice = _refused(walk, path, inside, read_only=read_only)
    walk.problems.append(reading.document.problem((*at, "source") if given else at, message, advice))


def _refused(walk: _Walk, path: str, inside: str, *, read_only: bool) -> tuple[str, str]:
    """Why a mount of that path cannot be had, and what can."""
    if not path.startswith("."):
        return f"{path} is in the home directory of whoever deploys", "use a named volume, or an absolute path"
    if inside.startswith(".."):
        return f"{path} is outside {walk.stack.root}: {NO_CHECKOUT}", USE_CONFIG
    if read_only:
        return f"there is no {inside} in {walk.stack.root}, and read-only it would stay empty", "commit it"
    return f"there is no file {inside} in {walk.stack.root}", _nearest(inside, walk.files)


def _check(walk: _Walk, reading: _Reading, at: Path, given: Any, use: Use, *, optional: bool = False) -> str | None:
    """The path in the stack's folder that the value names, or None: with a problem, or because it is no string."""
    if not isinstance(given, str):
        return None
    root = walk.stack.root
    filled = fill_in(given, reading.variables)
    message, advice = "", f"copy the file to {root}" if use != "folder" else ""
    if filled is None:
        message, advice = (
            f"the path {given!r} cannot be checked",
            f"write it out, or set its variables in {root}/.env by plain NAME=value lines",
        )
    elif _REMOTE.match(filled):
        message = f"{filled!r} is not in this repository: only the stack's own files are read"
    elif filled.startswith(("/", "~")) or "\\" in filled or "\0" in filled:
        message = f"{filled!r} is outside {root}: only the stack's own files are read"
    if not message and filled is not None:
        path = posixpath.normpath(posixpath.join(reading.base, filled))
        folder = "" if path == "." else path + "/"
        if path.startswith(".."):
            message = f"{filled!r} is outside {root}: only the stack's own files are read"
        elif (use == "folder" and any(file.startswith(folder) for file in walk.files)) or path in walk.files:
            walk.uses.setdefault(path, set()).add(use)
            return "" if path == "." else path
        elif optional:
            return None
        else:
            message, advice = (
                f"there is no {'folder' if use == 'folder' else 'file'} {path!r} in {root}",
                _nearest(path, walk.files),
            )
    walk.problems.append(reading.document.problem(at, message, advice))
    return None


def _nearest(path: str, files: Mapping[str, bytes]) -> str:
    close = difflib.get_close_matches(path, sorted(files), n=1)
    return f"did you mean {close[0]!r}?" if close else "commit it, or remove the line"


def _working_directory(walk: _Walk, document: Document) -> None:
    """Newer compose plugins fill in ${PWD} with the directory in which the tool runs, whatever `.env` says."""
    for number, line in enumerate(document.lines, 1):
        if _WORKING_DIRECTORY.search(line.partition("#")[0]):
            found = document.problem(
                (), "${PWD} is the directory of whoever deploys: it is not read", "write the path out"
            )
            walk.problems.append(_moved(found, number, line))


def _moved(problem: Problem, number: int, line: str) -> Problem:
    from dataclasses import replace  # noqa: PLC0415 - on the way of an error only

    return replace(problem, line=number, column=line.index("$") + 1, source=line, width=len("${PWD}"))


def _left_out(walk: _Walk, document: Document) -> None:
    """What `docker compose` by hand would take into account, and a stack does not."""
    if document is not walk.documents.get(walk.stack.entry):
        return
    name = document.value.get("name")
    if name not in (None, walk.stack.name) and "$" not in str(name):
        message = f"{name!r} is ignored: the stack is called {walk.stack.name!r}, after its place in the repository"
        walk.problems.append(document.problem(("name",), message, "remove the line", key=True, severity="warning"))
    stem, dot, suffix = walk.stack.entry.rpartition(".")
    override = f"{stem}.override{dot}{suffix}"
    if override in walk.files:
        message = f"{override} is not read"
        walk.problems.append(
            document.problem((), message, f"write include: [{override}], or remove it", severity="warning")
        )


def _variables(walk: _Walk, folder: str) -> dict[str, str] | None:
    return read_env(walk.files.get(posixpath.join(folder, ".env"), b""))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    """The items of a list with their places; anything else is one item, null is none."""
    if isinstance(value, list):
        yield from (((*at, index), one) for index, one in enumerate(value))
    elif value is not None:
        yield at, value
