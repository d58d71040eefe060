"""What each file is: the cluster file, a machine, host keys, a part of a stack. Paths only; nothing is parsed here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.model.nearest import nearest
from deployer.model.patterns import NAME_PATTERN
from deployer.model.problem import Problem
from deployer.model.stack import STACK_PATTERN
from deployer.source.words import PATTERNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.source.files import Entry, Files

CLUSTER_FILES: Final = ("cluster/cluster.yaml", "cluster/cluster.yml")
KNOWN_HOSTS: Final = "cluster/known_hosts"
NODES: Final = "cluster/nodes/"
STACKS: Final = "stacks/"
COMPOSE_FILES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")

_YAML: Final = re.compile(r"\.ya?ml$")
_IGNORED: Final = re.compile(r"(^|/)(\.[^/]*|README[^/]*|LICENSE[^/]*|[^/]*\.md)$")
_UNKNOWN: Final = "is no file that is known here"


@dataclass(frozen=True)
class StackFiles:
    """One stack's files: the compose file, the folder it stands in, and every file of that folder."""

    name: str
    compose: Entry
    root: str
    files: tuple[Entry, ...]


@dataclass(frozen=True)
class Layout:
    """Which file is what. Machines and stacks by name, sorted; what has no valid name is a problem and not here."""

    cluster: Entry | None
    known_hosts: Entry | None
    nodes: Mapping[str, Entry]
    stacks: Mapping[str, StackFiles]
    problems: tuple[Problem, ...]


def lay_out(files: Files) -> Layout:
    """Sorts the files; what fits nowhere is a problem, since a machine or stack that is not seen would be removed."""
    problems: list[Problem] = []
    by_path = {entry.path: entry for entry in files.entries}
    cluster = [by_path[path] for path in CLUSTER_FILES if path in by_path]
    if len(cluster) > 1:
        problems.append(_problem(cluster[1].path, f"stands beside {cluster[0].path}", "keep one of the two"))
    nodes: dict[str, Entry] = {}
    in_stacks: list[Entry] = []
    for entry in files.entries:
        if entry.path.startswith(STACKS):
            in_stacks.append(entry)
        elif _YAML.search(entry.path) and entry.path.startswith(NODES) and entry.path.count("/") == NODES.count("/"):
            _add_node(nodes, entry, problems)
        elif entry.path not in {*CLUSTER_FILES, KNOWN_HOSTS} and not _IGNORED.search(entry.path):
            problems.append(_problem(entry.path, _UNKNOWN, _where_it_may_belong(entry.path)))
    stacks = _stacks(in_stacks, problems)
    first = cluster[0] if cluster else None
    return Layout(first, by_path.get(KNOWN_HOSTS), nodes, stacks, tuple(problems))


def _add_node(nodes: dict[str, Entry], entry: Entry, problems: list[Problem]) -> None:
    name = _YAML.sub("", entry.path.removeprefix(NODES))
    if not re.search(NAME_PATTERN, name):
        problems.append(
            _problem(entry.path, f"{name!r} is no name for a machine", f"a name has {PATTERNS[NAME_PATTERN]}")
        )
    elif name in nodes:
        problems.append(
            _problem(entry.path, f"the machine {name} is already in {nodes[name].path}", "keep one of the two")
        )
    else:
        nodes[name] = entry


def _stacks(entries: Iterable[Entry], problems: list[Problem]) -> dict[str, StackFiles]:
    folders: dict[str, list[Entry]] = {}
    single: list[Entry] = []
    for entry in entries:
        name, inside, _ = entry.path.removeprefix(STACKS).partition("/")
        if inside:
            folders.setdefault(name, []).append(entry)
        elif _YAML.search(name):
            single.append(entry)
        elif not _IGNORED.search(name):
            problems.append(_problem(entry.path, _UNKNOWN, "a stack is stacks/NAME/compose.yaml or stacks/NAME.yaml"))
    found: list[StackFiles] = []
    for name, held in folders.items():
        root = STACKS + name
        by_path = {entry.path: entry for entry in held}
        compose = [by_path[f"{root}/{file}"] for file in COMPOSE_FILES if f"{root}/{file}" in by_path]
        if not compose:
            problems.append(_problem(root, "has no compose file", f"it is called {COMPOSE_FILES[0]}"))
            continue
        if len(compose) > 1:
            problems.append(_problem(compose[1].path, f"stands beside {compose[0].path}", "keep one of the two"))
        found.append(StackFiles(name, compose[0], root, tuple(held)))
    found += (StackFiles(_YAML.sub("", e.path.removeprefix(STACKS)), e, STACKS.rstrip("/"), (e,)) for e in single)
    return _named(found, problems)


def _named(found: list[StackFiles], problems: list[Problem]) -> dict[str, StackFiles]:
    """The stacks whose names are valid and their own."""
    stacks: dict[str, StackFiles] = {}
    taken: dict[str, StackFiles] = {}
    for stack in sorted(found, key=lambda one: one.compose.path):
        path = stack.root if stack.root != STACKS.rstrip("/") else stack.compose.path
        wanted = normalised(stack.name)
        if not re.search(STACK_PATTERN, stack.name):
            advice = f"call it {wanted}" if re.search(STACK_PATTERN, wanted) else ""
            message = f"{stack.name!r} is no name for a stack"
            problems.append(_problem(path, message, advice or f"a name has {PATTERNS[STACK_PATTERN]}"))
        if wanted in taken:
            other = taken[wanted].compose.path
            problems.append(
                _problem(path, f"the stack {wanted!r} is already in {other}", "give one of the two another name")
            )
            continue
        taken[wanted] = stack
        if stack.name == wanted:
            stacks[wanted] = stack
    return dict(sorted(stacks.items()))


def normalised(name: str) -> str:
    """The name that Docker Compose would make of it: compose-go, loader.go, NormalizeProjectName."""
    return "".join(re.findall("[a-z0-9_-]", name.lower())).lstrip("_-")


def _where_it_may_belong(path: str) -> str:
    near = nearest(path, (*CLUSTER_FILES[:1], KNOWN_HOSTS), likeness=0.8)
    if near:
        return f"did you mean {near}?"
    return "cluster/ holds cluster.yaml, known_hosts and nodes/NAME.yaml; notes are README or *.md"


def _problem(path: str, message: str, advice: str) -> Problem:
    return Problem(path, 0, 0, message, advice)
