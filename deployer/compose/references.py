"""Make the files that Docker's tools get in the place of a stack's own: read once, filled in, every path checked.

A file is read once for each folder from which its paths count and each set of variables that it can be read with; each such
reading becomes a file of its own, made of our values and not of the user's bytes. All paths have to be files of the stack
itself, at the same commit: nothing absolute, nothing above the stack's folder, nothing from elsewhere. What compose opens because a file says so: `include` (compose-go, loader/include.go), `extends` (loader/extends.go),
`env_file` and `label_file` (types/project.go), and symbolic links on the way of `develop` (paths/unix.go).
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.amount import MOST_VALUES, amount_problems, included, used_services
from deployer.compose.env_files import EnvFiles
from deployer.compose.including import extends, include
from deployer.compose.interpolation import Budget
from deployer.compose.mounts import NO_CHECKOUT, USE_CONFIG
from deployer.compose.paths import Paths
from deployer.compose.reading import MOST_PROBLEMS, fill
from deployer.compose.service_files import check_service, read_env_files
from deployer.compose.vocabulary import SERVICE_KEYS, TOP_KEYS, unknown_key
from deployer.compose.walk import Walk, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.compose.reading import Reading
    from deployer.compose.rules import Path
    from deployer.document import Document
    from deployer.model.problem import Problem
    from deployer.model.stack import StackSource

MOST_READINGS: Final = 50
_PROJECT_NAME: Final = "COMPOSE_PROJECT_NAME"
_PROFILES: Final = "COMPOSE_PROFILES"


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


def references(stack: StackSource) -> References:
    """Follows `include` and `extends` through at most 50 readings; problems are those of all of them."""
    files, folder = dict(stack.files), posixpath.dirname(stack.entry)
    budget = Budget()
    walk = Walk(stack, Paths(stack.root, files), EnvFiles(stack.root, files, budget))
    variables = walk.env.project(walk.own_env(folder), {})
    profiles = tuple(name for one in variables.get(_PROFILES, "").split(",") if (name := one.strip()))
    variables[_PROJECT_NAME] = stack.name
    first = walk.reading(stack.entry, folder, variables)
    read = 0
    while walk.waiting and first is not None:
        reading = walk.waiting.pop(0)
        fill(reading, budget, stack.root)
        read += 1
        amount = sum(one.size for one in walk.readings)
        if read > MOST_READINGS or amount > MOST_VALUES:
            what = f"more than {MOST_READINGS} files" if read > MOST_READINGS else f"more than {MOST_VALUES} values"
            walk.refuse(reading, (), f"a stack of {what} is not read", "split it")
            break
        _visit(walk, reading)
    else:
        if first is not None:
            _finish(walk, first)
    problems = [*walk.problems, *walk.env.problems, *(one for each in walk.readings for one in each.problems)]
    return References(
        walk.documents,
        tuple(dict.fromkeys(problems)),
        first is None or walk.broken or walk.env.broken or any(one.broken for one in walk.readings),
        tuple(walk.readings),
        walk.env.written,
        {**variables, **walk.contents},
        profiles,
    )


def _finish(walk: Walk, first: Reading) -> None:
    """What can be said once it is known what includes and extends what."""
    found = amount_problems(first)
    if not found:
        read_env_files(walk, first)
        found = amount_problems(first)  # once more, with what is in the env files
    walk.problems += found
    walk.broken = walk.broken or bool(found)
    if found:
        return
    used = dict.fromkeys(used_services(first))
    whole = included(first)
    for reading in walk.readings:
        if reading in whole:
            _leave_out(reading, (), TOP_KEYS, walk)
        elif isinstance(reading.value, dict):  # of a file that is only extended compose reads these services alone
            services = {name: one for name, one in reading.services.items() if (reading, name) in used}
            reading.value = {"services": services} if "services" in reading.value else {}
    for reading, name in used:
        _leave_out(reading, ("services", name), SERVICE_KEYS, walk)


def _leave_out(reading: Reading, at: Path, known: frozenset[str], walk: Walk) -> None:
    """Refuses keys that compose is not known to have; of a service the others are still checked by compose."""
    given: Any = reading.services.get(str(at[-1])) if at else reading.value
    unknown = [key for key in given if key not in known and not key.startswith("x-")] if isinstance(given, dict) else []
    for key in unknown:
        if len(reading.problems) < MOST_PROBLEMS:
            message, help_ = unknown_key(at, key)
            reading.problems.append(reading.document.problem((*at, key), message, help_, key=True))
        del given[key]
        reading.forget((*at, key))
        walk.broken = walk.broken or not at


def _visit(walk: Walk, reading: Reading) -> None:
    """Checks one reading, and puts what Docker is to open in the place of its paths."""
    value = reading.value
    if not isinstance(value, dict):
        return
    _left_out(walk, reading)
    include(walk, reading, value)
    for name, service in reading.services.items():
        if isinstance(service, dict):
            extends(walk, reading, ("services", name), service)
            check_service(walk, reading, ("services", name), service)
    for name, one in mapping(value.get("volumes")).items():
        _check_device(
            walk, reading, ("volumes", name, "driver_opts", "device"), mapping(mapping(one).get("driver_opts"))
        )
    for kind in ("configs", "secrets"):
        for name, one in mapping(value.get(kind)).items():
            source = mapping(one)
            if isinstance(source.get("file"), str):
                walk.place(reading, (kind, name), source, "file", "file")
            asked = source.get("environment")
            if isinstance(asked, str) and asked in reading.variables:
                _content(walk, reading, (kind, name, "environment"), asked)


def _check_device(walk: Walk, reading: Reading, at: Path, options: Mapping[str, Any]) -> None:
    """Compose makes a path of a relative device of a bind: one of this machine (compose-go, ResolveRelativePaths)."""
    device = options.get("device")
    if "bind" not in str(options.get("o", "")).split(",") or not isinstance(device, str) or device.startswith("/"):
        return
    walk.refuse(reading, at, f"{device} is a path of this repository: {NO_CHECKOUT}", USE_CONFIG)


def _content(walk: Walk, reading: Reading, at: Path, name: str) -> None:
    """A config or secret made of a variable: the value is asked for by its name alone, once everything is read."""
    value = reading.variables[name]
    before = walk.contents.setdefault(name, value)
    if before != value:
        walk.refuse(
            reading, at, f"the variable {name} has another value in an included file", "give it another name there"
        )


def _left_out(walk: Walk, reading: Reading) -> None:
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
