"""What a service takes from files and variables: env files, label files, its build's folder, mounts; and how many ports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.amount import included
from deployer.compose.encode import Inside
from deployer.compose.env_files import UNKNOWN, Given
from deployer.compose.locate import named
from deployer.compose.paths import RefusedError
from deployer.compose.walk import items, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.compose.reading import Reading
    from deployer.compose.rules import Path
    from deployer.compose.walk import Walk

MOST_PORTS: Final = 12_000
"""Of one stack: compose makes an entry of each port of a range."""
_ALL_PORTS: Final = 65_535
_RANGE: Final = re.compile(r"(\d+)-(\d+)")
_LONGEST_PORT: Final = 100
_VALUES_OF_A_PORT: Final = 4


def check_service(walk: Walk, reading: Reading, at: Path, service: dict[str, Any]) -> None:
    env_files = _listed(walk, reading, (*at, "env_file"), service)
    if env_files is not None:
        walk.env_files.append((reading, str(at[-1]), env_files))
    label_files = _listed(walk, reading, (*at, "label_file"), service)
    if label_files:
        file, size = walk.env.labels(label_files)
        service["label_file"] = [Inside(file)]
        reading.weights[str(at[-1])] = reading.weights.get(str(at[-1]), 0) + size
    _pass_through(reading, (*at, "environment"), service.get("environment"), reading.variables)
    build = service.get("build")
    holder, key, place = (build, "context", (*at, "build")) if isinstance(build, dict) else (service, "build", at)
    if isinstance(holder.get(key), str):
        walk.place(reading, place, holder, key, "folder")
    if isinstance(build, dict):
        _pass_through(reading, (*at, "build", "args"), build.get("args"), reading.project)
    for place, item in items(service.get("volumes"), (*at, "volumes")):
        try:
            walk.paths.check_mount(item, reading.base)
        except RefusedError as error:
            where = (*place, "source") if isinstance(item, dict) else place
            walk.refuse(reading, where, error.message, error.help)
    _count_ports(walk, reading, at, service)
    if "develop" in service:  # compose follows symbolic links on the way of its paths, and only `watch` means it
        del service["develop"]
        reading.forget((*at, "develop"))


def _listed(walk: Walk, reading: Reading, at: Path, service: dict[str, Any]) -> tuple[Given, ...] | None:
    """The env or label files of a service; None where it has none, and where something is wrong with them."""
    value = service.get(str(at[-1]))
    if value is None:
        return None
    found: list[Given] = []
    for place, item in items(value, at):
        if isinstance(value, list) and reading.tags.get(place) == "!reset":
            continue
        entry = _entry(item)
        if entry is None or (isinstance(item, dict) and not isinstance(value, list)):
            walk.refuse(reading, place, f"{named(place)} is no file", "write a path, or a list of paths")
            continue
        path, required, raw = entry
        exactly = (*place, "path") if isinstance(item, dict) else place
        file = walk.find(reading, exactly, path, "file", optional=not required)
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
    path, required, kind = item.get("path"), item.get("required", True), item.get("format", "")
    if not isinstance(path, str) or str(required).lower() not in {"true", "false"} or kind not in ("", ".env", "raw"):
        return None
    return path, str(required).lower() == "true", kind == "raw"


def read_env_files(walk: Walk, first: Reading) -> None:
    """Gives each service one env file with what its own say. One that is merged with others may get variables of theirs."""
    merged = _merged(walk, first)
    theirs: dict[str, frozenset[str]] | None = None
    for reading, name, given in walk.env_files:
        others: Mapping[str, frozenset[str]] = {}
        if (reading, name) in merged and walk.env.ask(given):
            theirs = _values(walk, merged) if theirs is None else theirs
            others = theirs
        path, size = walk.env.environment(given, reading.variables, _environment(reading, name), others)
        reading.weights[name] = reading.weights.get(name, 0) + size
        reading.services[name]["env_file"] = [Inside(path)] if given else []


def _values(walk: Walk, merged: set[tuple[Reading, str]]) -> dict[str, frozenset[str]]:
    """By name, the values that these services give to variables."""
    found: dict[str, set[str]] = {}
    given = dict.fromkeys(each for reading, name, each in walk.env_files if (reading, name) in merged)
    for values in [*(_environment(*one) for one in merged), *map(walk.env.plain, given)]:
        for name, value in values.items():
            found.setdefault(name, set()).add(value)
    return {name: frozenset(values) for name, values in found.items()}


def _merged(walk: Walk, first: Reading) -> set[tuple[Reading, str]]:
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
    given = mapping(reading.services.get(name)).get("environment")
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


def _count_ports(walk: Walk, reading: Reading, at: Path, service: Mapping[str, Any]) -> None:
    name = str(at[-1])
    for key in ("ports", "expose"):
        for place, item in items(service.get(key), (*at, key)):
            ports = _ports(str(item.get("published") if isinstance(item, dict) else item))
            reading.weights[name] = reading.weights.get(name, 0) + _VALUES_OF_A_PORT * (ports - 1)
            walk.ports += ports
            if walk.ports > MOST_PORTS:
                walk.refuse(reading, place, f"more than {MOST_PORTS} ports of this stack", "use a smaller range")
                return


def _ports(text: str) -> int:
    """How many entries compose may make of `8000-8010:80-90/tcp`."""
    if len(text) > _LONGEST_PORT:
        return _ALL_PORTS
    widths = [min(int(last), _ALL_PORTS) - int(first) + 1 for first, last in _RANGE.findall(text)]
    return max([1, *widths])
