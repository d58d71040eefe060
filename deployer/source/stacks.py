"""Validate the stacks' files and documents: each stack makes a `StackSource`."""

from __future__ import annotations

import graphlib
import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Final

from deployer.document import shortened
from deployer.model import ignoring
from deployer.model.allowed import EVERYTHING
from deployer.model.nearest import did_you_mean, nearest
from deployer.model.stack import StackSettings, StackSource
from deployer.source import words
from deployer.source.permitted import encrypted_problems
from deployer.source.typed import MOST_PROBLEMS, convert

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from deployer.document import Document
    from deployer.model.allowed import Allowed
    from deployer.model.problem import Problem
    from deployer.source.files import Entry
    from deployer.source.layout import StackFiles

SETTINGS: Final = "x-deployer"
MOST_CIRCLES: Final = 20
"""Each is looked for in all stacks anew."""


def validate(
    stacks: Mapping[str, StackFiles],
    documents: Mapping[str, Document | None],
    machines: Sequence[str] | None = None,
    allowed: Allowed = EVERYTHING,
) -> tuple[tuple[StackSource, ...], list[Problem]]:
    """The stacks that could be read, sorted by name, and what is wrong with any; documents are by stack.

    `machines` are the names of all of them; None where not all could be read. `allowed`: what the files may name on this machine.
    """
    problems: list[Problem] = []
    sources: list[StackSource] = []
    for name, files in stacks.items():
        document = documents[name]
        settings: StackSettings | None = None
        if document is not None:
            settings, found = _settings(document)
            problems += found
        if settings is not None:
            sources.append(_source(files, settings, allowed))
        problems += encrypted_problems(files.files, allowed)
    settled = {source.name: source.settings for source in sources}
    known = {name: document for name, document in documents.items() if document is not None}
    problems += [*_circles(settled, known), *_clashes(known)]
    for name, settings in settled.items():
        problems += islice(_unknown(name, settings, known[name], stacks), MOST_PROBLEMS)
        problems += [*islice(_ignored(settings, known[name]), MOST_PROBLEMS), *_modes(settings, known[name], machines)]
    return tuple(sources), problems


def _settings(document: Document) -> tuple[StackSettings | None, list[Problem]]:
    value = document.value
    if not isinstance(value, dict):
        kind = words.kind(value)
        message = f"the compose file {'is empty' if value is None else f'must be a mapping, not {kind}'}"
        return None, [document.problem((), message, "it begins with `services:`")]
    return convert(document, StackSettings, (SETTINGS,)) if SETTINGS in value else (StackSettings(), [])


def _source(stack: StackFiles, settings: StackSettings, allowed: Allowed) -> StackSource:
    files = tuple((entry.path.removeprefix(stack.root + "/"), entry.data) for entry in stack.files)
    entry = stack.compose.path.removeprefix(stack.root + "/")
    content = content_id(stack.files, stack.root)
    executable = tuple(entry.path.removeprefix(stack.root + "/") for entry in stack.files if entry.mode & 0o111)
    return StackSource(stack.name, stack.compose.path, stack.root, entry, files, settings, content, executable, allowed)


def content_id(files: tuple[Entry, ...], root: str) -> str:
    """A hash of names and bytes, so that a commit and a directory with the same files have the same id."""
    digest = hashlib.sha256()
    for entry in sorted(files, key=lambda one: one.path):
        name = entry.path.removeprefix(root + "/").encode()
        digest.update(b"%d %d " % (len(name), len(entry.data)) + name + entry.data)
    return digest.hexdigest()


def _unknown(
    name: str, settings: StackSettings, document: Document, stacks: Mapping[str, StackFiles]
) -> Iterator[Problem]:
    for index, wanted in enumerate(settings.after):
        if wanted not in stacks:
            others = (stack for stack in stacks if stack != name)
            advice = did_you_mean(wanted, others, "remove it, or add the stack")
            yield document.problem((SETTINGS, "after", index), f"there is no stack {wanted!r}", advice)


def _ignored(settings: StackSettings, document: Document) -> Iterator[Problem]:
    """Words of `ignore` that name no field. Which services there are, a file that includes others does not tell."""
    value = document.value
    services = list(value["services"]) if isinstance(value.get("services"), dict) else []
    for index, text in enumerate(settings.ignore):
        service, field = ignoring.split(text, services)
        if ignoring.places(field):
            continue
        first, _, rest = text.partition(".")
        if not service and ignoring.places(rest):
            if "include" in value:
                continue
            near = nearest(first, services)
            advice = f"did you mean '{near}.{rest}'?" if near else f"the services here are {', '.join(services)}"
            message = f"there is no service {shortened(first)!r} to ignore {rest} of"
        else:
            near = nearest(field, ignoring.IGNORABLE)
            prefix = f"{service}." if service else ""
            advice = f"did you mean {prefix + near!r}?" if near else f"it is one of {', '.join(ignoring.IGNORABLE)}"
            message = f"there is no field {shortened(field)!r} that could be ignored"
        yield document.problem((SETTINGS, "ignore", index), message, advice)


def _modes(settings: StackSettings, document: Document, machines: Sequence[str] | None) -> Iterator[Problem]:
    """A compose project has its machine, and what Swarm does is not asked of it."""
    if settings.mode == "swarm":
        if settings.node is not None:
            message = "'node' is for `mode: compose`: Swarm chooses the machines"
            advice = "use a placement constraint, or add `mode: compose`"
            yield document.problem((SETTINGS, "node"), message, advice, key=True)
        return
    if settings.node is None:
        yield document.problem(
            (SETTINGS, "mode"), "`mode: compose` has no machine", "add `node:` with a machine's name"
        )
    elif machines is not None and settings.node not in machines:
        advice = did_you_mean(settings.node, machines, f"there are {', '.join(machines)}")
        yield document.problem((SETTINGS, "node"), f"there is no machine {settings.node!r}", advice)
    for key in ("ignore", "images"):
        if key in document.value[SETTINGS]:
            message = f"{key!r} means nothing in a stack with `mode: compose`"
            yield document.problem((SETTINGS, key), message, "remove it", key=True, severity="warning")


def _circles(settled: Mapping[str, StackSettings], documents: Mapping[str, Document]) -> Iterator[Problem]:
    """Each circle of `after` once, at the stack of it whose name comes first; the first few of many."""
    graph = {name: {wanted for wanted in settings.after if wanted in settled} for name, settings in settled.items()}
    for _ in range(MOST_CIRCLES):
        try:
            graphlib.TopologicalSorter({name: sorted(after) for name, after in graph.items()}).prepare()
        except graphlib.CycleError as error:
            # graphlib names each before the one that waits for it, the first again at the end.
            circle = error.args[1][:0:-1]
            first = circle.index(min(circle))
            circle = [*circle[first:], *circle[:first]]
            name, wanted = circle[0], circle[1 % len(circle)]
            graph[name].discard(wanted)
            message = f"{' after '.join([*circle, name])}: none of them can be the first"
            yield documents[name].problem(_after(documents[name], wanted), message, "remove one of these `after`")
        else:
            return


def _clashes(documents: Mapping[str, Document]) -> Iterator[Problem]:
    """Services of two stacks that Swarm would give one name: stack `a` with `b_c`, and stack `a_b` with `c`."""
    taken: dict[str, tuple[str, str]] = {}
    for stack, document in sorted(documents.items()):
        services = document.value.get("services") if isinstance(document.value, dict) else None
        for service in services if isinstance(services, dict) else ():
            other = taken.setdefault(f"{stack}_{service}", (stack, service))
            if other != (stack, service):
                one, two = shortened(service), shortened(other[1])
                message = f"{one} of {stack} and {two} of {other[0]} would both be the service {stack}_{one}"
                yield document.problem(("services", service), message, "rename one of the two", key=True)


def _after(document: Document, wanted: str) -> tuple[str | int, ...]:
    after = document.value[SETTINGS]["after"]
    return (SETTINGS, "after", after.index(wanted))
