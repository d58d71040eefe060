"""A stack's files in, the files that Docker's tools get in their place out: read once, filled in, every path checked.

A file is read once for each folder from which its paths count and each set of variables that it can be read with; each such
reading becomes a file of its own, made of our values and not of the user's bytes. All paths have to be files of the stack
itself, at the same commit: nothing absolute, nothing above the stack's folder, nothing from elsewhere (FAULTS.md, S-01 and
S-02). What compose opens because a file says so: `include` (compose-go, loader/include.go), `extends` (loader/extends.go),
`env_file` and `label_file` (types/project.go), and symbolic links on the way of `develop` (paths/unix.go).
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.amount import MOST_VALUES, amount_problems, included, used_services
from deployer.compose.encode import Inside
from deployer.compose.env_files import UNKNOWN, EnvFiles, Given
from deployer.compose.interpolation import Budget
from deployer.compose.locate import named
from deployer.compose.paths import REMOTE, Paths, RefusedError
from deployer.compose.reading import Reading, fill
from deployer.compose.vocabulary import SERVICE_KEYS, TOP_KEYS, unknown_key
from deployer.document import COMPOSE_TAGS, Document, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deployer.compose.paths import Use
    from deployer.compose.rules import Path
    from deployer.model.problem import Problem
    from deployer.model.stack import StackSource

MOST_READINGS: Final = 50
MOST_PORTS: Final = 12_000
"""Of one stack: compose makes an entry of each port of a range."""
CHECKOUT: Final = "files"
"""Below the private folder: stands where the stack's folder would be, for all paths that Docker makes absolute."""
_PROJECT_NAME: Final = "COMPOSE_PROJECT_NAME"
_PROFILES: Final = "COMPOSE_PROFILES"
_RANGE: Final = re.compile(r"(\d{1,5})-(\d{1,5})")
_LONGEST_PORT: Final = 100
_VALUES_OF_A_PORT: Final = 4
_NO_FILE: Final = "/dev/null"
"""As the env file of an include: none, not even its `.env`."""


@dataclass(frozen=True)
class References:
    """What a stack's files say. `documents` are by path in the stack's folder, the compose file itself first."""

    documents: Mapping[str, Document]
    problems: tuple[Problem, ...]
    broken: bool
    """Whether there is nothing that a tool could be given."""
    readings: tuple[Reading, ...]
    """The compose file's first."""
    written: Mapping[str, bytes]
    """Env files that the readings name, by path below the private folder."""
    variables: Mapping[str, str]
    """Those that configs and secrets can be made of."""
    profiles: tuple[str, ...]


@dataclass(eq=False)
class _Walk:
    stack: StackSource
    paths: Paths
    env: EnvFiles
    documents: dict[str, Document] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: bool = False
    readings: list[Reading] = field(default_factory=list)
    waiting: list[Reading] = field(default_factory=list)
    values: int = 0
    ports: int = 0
    env_files: list[tuple[Reading, str, tuple[Given, ...]]] = field(default_factory=list)
    """Of each service that has any: they are read when it is known who extends whom."""
    contents: dict[str, str] = field(default_factory=dict)
    """The variables that configs and secrets are made of."""
    _known: dict[tuple[str, str, tuple[tuple[str, str], ...]], Reading] = field(default_factory=dict)

    def refuse(self, reading: Reading, at: Path, message: str, help_: str, *, key: bool = False) -> None:
        """Leaves nothing that a tool could be given."""
        self.broken = True
        self.problems.append(reading.document.problem(at, message, help_, key=key))

    def reading(self, path: str, base: str, variables: Mapping[str, str], document: Document) -> Reading:
        key = (path, base, tuple(sorted(variables.items())))
        if key not in self._known:
            file = posixpath.join(base, f"{len(self._known)}.json")
            project = self.readings[0].variables if self.readings else variables
            self._known[key] = Reading(path, base, file, document, variables, project)
            self.readings.append(self._known[key])
            self.waiting.append(self._known[key])
        return self._known[key]

    def document(self, path: str) -> Document | None:
        if path in self.documents:
            return self.documents[path]
        document, problems = parse(
            posixpath.join(self.stack.root, path), self.paths.files[path], tags=COMPOSE_TAGS
        )
        self.problems += problems
        self.broken = self.broken or bool(problems)
        if document is not None:
            self.documents[path] = document
        return document


def references(stack: StackSource) -> References:
    """Follows `include` and `extends` through at most 50 readings; problems are those of all of them."""
    files, folder = dict(stack.files), posixpath.dirname(stack.entry)
    budget = Budget()
    walk = _Walk(stack, Paths(stack.root, files), EnvFiles(stack.root, files, budget))
    variables = walk.env.project(_own_env(walk, folder), {})
    profiles = tuple(name for one in variables.get(_PROFILES, "").split(",") if (name := one.strip()))
    variables[_PROJECT_NAME] = stack.name
    document = walk.document(stack.entry)
    if document is not None:
        first = walk.reading(stack.entry, folder, variables, document)
        while walk.waiting:
            reading = walk.waiting.pop(0)
            fill(reading, budget, stack.root)
            walk.values += reading.size
            if len(walk.readings) - len(walk.waiting) > MOST_READINGS or walk.values > MOST_VALUES:
                what = f"more than {MOST_READINGS} files" if walk.values <= MOST_VALUES else f"more than {MOST_VALUES} values"
                walk.refuse(reading, (), f"a stack of {what} is not read", "split it")
                break
            _visit(walk, reading)
        if not walk.waiting:
            _finish(walk, first)
    problems = [*walk.problems, *walk.env.problems, *(one for each in walk.readings for one in each.problems)]
    return References(
        walk.documents,
        tuple(dict.fromkeys(problems)),
        document is None or walk.broken or walk.env.broken or any(one.broken for one in walk.readings),
        tuple(walk.readings),
        walk.env.written,
        {**variables, **walk.contents},
        profiles,
    )


def _own_env(walk: _Walk, folder: str) -> list[str]:
    path = posixpath.join(folder, ".env")
    return [path] if path in walk.paths.files else []


def _finish(walk: _Walk, first: Reading) -> None:
    """What can be said once it is known what includes and extends what."""
    found = amount_problems(first)
    if not found:
        _read_env_files(walk, first)
        found = amount_problems(first)  # once more, with what is in the env files
    walk.problems += found
    walk.broken = walk.broken or bool(found)
    if found:
        return
    for reading in included(first):
        _leave_out(reading, (), TOP_KEYS, walk)
    for reading, name in used_services(first):
        _leave_out(reading, ("services", name), SERVICE_KEYS, walk)

def _leave_out(reading: Reading, at: Path, known: frozenset[str], walk: _Walk) -> None:
    """Refuses keys that compose is not known to have; of a service the others are still checked by compose."""
    given: Any = reading.value if not at else reading.services.get(str(at[-1]))
    for key in [key for key in given if key not in known and not key.startswith("x-")] if isinstance(given, dict) else ():
        message, help_ = unknown_key(at, key)
        reading.problems.append(reading.document.problem((*at, key), message, help_, key=True))
        del given[key]
        reading.forget((*at, key))
        walk.broken = walk.broken or not at


def _visit(walk: _Walk, reading: Reading) -> None:
    """Checks one reading, and puts what Docker is to open in the place of its paths."""
    value = reading.value
    if not isinstance(value, dict):
        return
    _left_out(walk, reading)
    _include(walk, reading, value)
    for name, service in reading.services.items():
        if isinstance(service, dict):
            _service(walk, reading, ("services", name), service)
    for kind in ("configs", "secrets"):
        for name, one in _mapping(value.get(kind)).items():
            source = _mapping(one)
            if isinstance(source.get("file"), str):
                _replace(walk, reading, (kind, name), source, "file", "file")
            asked = source.get("environment")
            if isinstance(asked, str) and asked in reading.variables:
                _content(walk, reading, (kind, name, "environment"), asked)


def _include(walk: _Walk, reading: Reading, value: dict[str, Any]) -> None:
    given = value.get("include")
    if given is None:
        return
    if not isinstance(given, list):
        walk.refuse(reading, ("include",), "include must be a list", "write include: [FILE]")
        return
    _no_tags(walk, reading, ("include",))
    value["include"] = [
        made for index, item in enumerate(given) if (made := _included(walk, reading, ("include", index), item))
    ]


def _included(walk: _Walk, reading: Reading, at: Path, item: Any) -> dict[str, Any] | None:
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
        for place, one in _items(given["path"], (*at, "path") if long else at)
        if (path := _find(walk, reading, place, one, "file")) is not None
    ]
    base = _project_directory(walk, reading, (*at, "project_directory"), given, paths)
    outside = given.get("env_file")
    if outside is not None and not _texts(outside):
        walk.refuse(reading, (*at, "env_file"), "env_file must be a path or a list of paths", "")
        return None
    named_files = [
        path
        for place, one in _items(outside, (*at, "env_file"))
        if one != _NO_FILE and (path := _find(walk, reading, place, one, "file")) is not None
    ]
    if base is None or not paths:
        return None
    env_files = _own_env(walk, base) if not outside else named_files
    # compose-go, loader/include.go: the including project's variables win.
    variables = walk.env.project(env_files, reading.variables)
    files = []
    for path in paths:
        document = walk.document(path)
        if document is not None:
            child = walk.reading(path, base, variables, document)
            reading.includes.append((at, child))
            files.append(Inside(f"{CHECKOUT}/{child.file}"))
    return {"path": files}


def _project_directory(
    walk: _Walk, reading: Reading, at: Path, given: Mapping[str, Any], paths: Sequence[str]
) -> str | None:
    folder = given.get("project_directory")
    if folder is None or folder == "":
        return posixpath.dirname(paths[0]) if paths else None
    if not isinstance(folder, str):
        walk.refuse(reading, at, "project_directory must be a path", "write a folder of the stack")
        return None
    return _find(walk, reading, at, folder, "folder")


def _service(walk: _Walk, reading: Reading, at: Path, service: dict[str, Any]) -> None:
    _extends(walk, reading, at, service)
    env_files = _given(walk, reading, (*at, "env_file"), service)
    if env_files is not None:
        walk.env_files.append((reading, str(at[-1]), env_files))
    label_files = _given(walk, reading, (*at, "label_file"), service)
    if label_files is not None:
        service["label_file"] = [Inside(walk.env.labels(label_files))]
    _pass_through(reading, (*at, "environment"), service.get("environment"), reading.variables)
    build = service.get("build")
    holder, key, place = (build, "context", (*at, "build")) if isinstance(build, dict) else (service, "build", at)
    if isinstance(holder.get(key), str) and not REMOTE.match(holder[key]):
        _replace(walk, reading, place, holder, key, "folder")
    if isinstance(build, dict):
        _pass_through(reading, (*at, "build", "args"), build.get("args"), reading.project)
    for place, item in _items(service.get("volumes"), (*at, "volumes")):
        try:
            walk.paths.check_mount(item, reading.base)
        except RefusedError as error:
            where = (*place, "source") if isinstance(item, dict) else place
            walk.refuse(reading, where, error.message, error.help)
    _count_ports(walk, reading, at, service)
    if "develop" in service:  # compose follows symbolic links on the way of its paths, and only `watch` means it
        del service["develop"]
        reading.forget((*at, "develop"))


def _extends(walk: _Walk, reading: Reading, at: Path, service: dict[str, Any]) -> None:
    given = service.get("extends")
    at = (*at, "extends")
    if given is None:
        return
    _no_tags(walk, reading, at)
    if isinstance(given, str):
        reading.extends[str(at[1])] = (reading, given)
        return
    if not isinstance(given, dict) or not given.keys() <= {"service", "file"} or not isinstance(given.get("service"), str):
        walk.refuse(reading, at, "extends must name a service", "write {file: FILE, service: NAME}")
        return
    file = given.get("file")
    if file is None:
        reading.extends[str(at[1])] = (reading, given["service"])
        return
    path = _find(walk, reading, (*at, "file"), file, "file") if isinstance(file, str) else None
    if not isinstance(file, str):
        walk.refuse(reading, (*at, "file"), "file must be a path", "write a file of the stack")
    document = walk.document(path) if path is not None else None
    if path is not None and document is not None:
        other = walk.reading(path, posixpath.dirname(path), reading.variables, document)
        reading.extends[str(at[1])] = (other, given["service"])
        service["extends"] = {**given, "file": Inside(f"{CHECKOUT}/{other.file}")}


def _given(walk: _Walk, reading: Reading, at: Path, service: dict[str, Any]) -> tuple[Given, ...] | None:
    """The env or label files of a service; None where it has none, and where something is wrong with them."""
    value = service.get(str(at[-1]))
    if value is None:
        return None
    found: list[Given] = []
    items = _items(value, at)
    for place, item in items:
        if isinstance(value, list) and reading.tags.get(place) == "!reset":
            continue
        entry = _entry(item)
        if entry is None or (isinstance(item, dict) and not isinstance(value, list)):
            walk.refuse(reading, place, f"{named(place)} is no file", "write a path, or a list of paths")
            continue
        path, required, raw = entry
        place = (*place, "path") if isinstance(item, dict) else place  # noqa: PLW2901 - the path's own place
        file = _find(walk, reading, place, path, "file", optional=not required)
        if file is not None:
            found.append(Given(file, raw))
    reading.forget(at, below=True)
    service[str(at[-1])] = []
    return tuple(found)


def _entry(item: Any) -> tuple[str, bool, bool] | None:
    """Path, whether it must be there, and whether its format is `raw`."""
    if isinstance(item, str):
        return item, True, False
    if not isinstance(item, dict) or not item.keys() <= {"path", "required", "format"}:
        return None
    path, required, kind = item.get("path"), item.get("required"), item.get("format") or ""
    wanted = {None: True, True: True, "true": True, False: False, "false": False}.get(required)
    if not isinstance(path, str) or wanted is None or kind not in ("", ".env", "raw"):
        return None
    return path, wanted, kind == "raw"


def _read_env_files(walk: _Walk, first: Reading) -> None:
    """Gives each service one env file with what its own say. One that is merged with others may get variables of theirs."""
    merged = _merged(walk, first)
    amount = 0
    for reading, name, given in walk.env_files:
        amount += walk.env.count(given)
        if amount > MOST_VALUES:
            walk.refuse(reading, ("services", name, "env_file"), f"more than {MOST_VALUES} variables are read", "split the stack")
            return
        others = [_environment(reading, name)]
        if (reading, name) in merged and walk.env.ask(given):
            others += [_environment(*one) for one in merged]
            others += [walk.env.plain(each) for one, service, each in walk.env_files if (one, service) in merged]
        path, size = walk.env.environment(given, reading.variables, others)
        reading.weights[name] = reading.weights.get(name, 0) + size
        reading.services[name]["env_file"] = [Inside(path)] if given else []


def _merged(walk: _Walk, first: Reading) -> set[tuple[Reading, str]]:
    """Services that extend or are extended, and those that several files have under one name."""
    pairs = {(reading, name) for reading in walk.readings for name in reading.extends}
    pairs |= {one for reading in walk.readings for one in reading.extends.values()}
    names: dict[str, list[Reading]] = {}
    for reading in included(first):
        for name in reading.services:
            names.setdefault(name, []).append(reading)
    return pairs | {(reading, name) for name, several in names.items() if len(several) > 1 for reading in several}


def _environment(reading: Reading, name: str) -> dict[str, str]:
    """A service's own variables as far as they are text."""
    given = _mapping(reading.services.get(name)).get("environment")
    if isinstance(given, dict):
        return {key: one if isinstance(one, str) else UNKNOWN for key, one in given.items() if one is not None}
    texts = (one.partition("=") for one in given if isinstance(one, str)) if isinstance(given, list) else ()
    return {key: value for key, sign, value in texts if sign}


def _pass_through(reading: Reading, at: Path, given: Any, variables: Mapping[str, str]) -> None:
    """Gives variables that stand alone the value that they have in the stack's own env files: compose gets none of them.

    compose-go looks up those of a list where it reads the file, those of a mapping with the main project's variables.
    """
    if isinstance(given, list):
        for index, one in enumerate(given):
            if isinstance(one, str) and "=" not in one and one in variables:
                given[index] = f"{one}={variables[one]}"
    elif isinstance(given, dict):
        for name, one in given.items():
            if one is None and name in reading.project and (*at, name) not in reading.tags:
                given[name] = reading.project[name]


def _count_ports(walk: _Walk, reading: Reading, at: Path, service: Mapping[str, Any]) -> None:
    for key in ("ports", "expose"):
        for place, item in _items(service.get(key), (*at, key)):
            text = item.get("published") if isinstance(item, dict) else item
            ports = max((_width(one) for one in _RANGE.findall(str(text)[:_LONGEST_PORT])), default=1)
            name = str(at[-1])
            reading.weights[name] = reading.weights.get(name, 0) + _VALUES_OF_A_PORT * (ports - 1)
            walk.ports += ports
            if walk.ports > MOST_PORTS:
                walk.refuse(reading, place, f"more than {MOST_PORTS} ports of this stack", "use a smaller range")
                return


def _width(found: tuple[str, str]) -> int:
    return max(1, int(found[1]) - int(found[0]) + 1)


def _content(walk: _Walk, reading: Reading, at: Path, name: str) -> None:
    """A config or secret made of a variable: the value is asked for by its name alone, once everything is read."""
    value = reading.variables[name]
    before = walk.contents.setdefault(name, value)
    if before != value:
        walk.refuse(reading, at, f"the variable {name} has another value in an included file", "give it another name there")


def _replace(walk: _Walk, reading: Reading, at: Path, holder: dict[str, Any], key: str, use: Use) -> None:
    path = _find(walk, reading, (*at, key), holder[key], use)
    if path is not None:
        holder[key] = Inside(f"{CHECKOUT}/{path}")


def _find(
    walk: _Walk, reading: Reading, at: Path, given: str, use: Use, *, optional: bool = False
) -> str | None:
    """The path in the stack's folder; None with a problem, and for what may be missing."""
    try:
        return walk.paths.find(given, reading.base, use, optional=optional)
    except RefusedError as error:
        walk.refuse(reading, at, error.message, error.help)
        return None


def _no_tags(walk: _Walk, reading: Reading, at: Path) -> None:
    for path in [path for path in reading.tags if path[: len(at)] == at]:
        walk.refuse(reading, path, f"the tag {reading.tags[path]} is not allowed in {at[-1]}", "remove the tag")


def _left_out(walk: _Walk, reading: Reading) -> None:
    """What `docker compose` by hand would take into account, and a stack does not."""
    if reading is not walk.readings[0]:
        return
    document, name = reading.document, reading.value.get("name")
    if name not in (None, walk.stack.name) and "$" not in str(document.value["name"]):
        message = f"{name!r} is ignored: the stack is called {walk.stack.name!r}, after its place in the repository"
        walk.problems.append(document.problem(("name",), message, "remove the line", key=True, severity="warning"))
    stem, dot, suffix = walk.stack.entry.rpartition(".")
    override = f"{stem}.override{dot}{suffix}"
    if override in walk.paths.files:
        message = f"{override} is not read"
        help_ = f"write include: [{override}], or remove it"
        walk.problems.append(document.problem((), message, help_, severity="warning"))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> bool:
    """A text, or a list of nothing but texts that is not empty."""
    return isinstance(value, str) or (isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value))


def _items(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    """The items of a list with their places; anything else is one item, null is none."""
    if isinstance(value, list):
        yield from (((*at, index), one) for index, one in enumerate(value))
    elif value is not None:
        yield at, value
