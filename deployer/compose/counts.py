"""Write other counts of services into a stack's files.

A count may stand in the compose file, in one that it includes or extends, under an anchor that others use as well.
Where it is to be written is not reasoned out: a place is tried, the stack is compiled, and the edit counts only if
this one count changed and nothing else did.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deployer.compose import compile_stacks
from deployer.compose.references import references
from deployer.document.edit import inserted, replaced
from deployer.errors import DeployerError, InvalidFilesError, UsageError
from deployer.model.counts import Edited, Scaled
from deployer.model.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path as FilePath

    from deployer.document import Document, Path
    from deployer.model.counts import Wanted
    from deployer.model.stack import Body, StackObjects, StackSource


def rescale(
    stacks: Sequence[StackSource],
    compiled: Sequence[StackObjects],
    wanted: Sequence[Wanted],
    cache: FilePath | None = None,
) -> tuple[tuple[Scaled, ...], tuple[Edited, ...]]:
    """What changes, and the files in which it does; `cache` as in `compile_stacks`.

    UsageError for what is not there or has no count, DeployerError where the files have no count that could be edited.
    """
    given = {stack.name: stack for stack in stacks}
    now = {objects.stack: objects for objects in compiled}
    scaled = []
    for one in sorted(wanted, key=lambda one: one.name):
        if one.stack not in given:
            raise UsageError(f"there is no stack {one.stack!r}", help=_nearest(one.stack, sorted(given)))
        stack = given[one.stack]
        old = count_of(stack, now[one.stack], one)
        if old != one.count:
            now[one.stack], given[one.stack], path, line = _edited(stack, now[one.stack], one, cache)
            scaled.append(Scaled(one.name, old, one.count, posixpath.join(stack.root, path), line))
    return tuple(scaled), tuple(edit for stack in stacks for edit in _differing(stack, given[stack.name]))


def _differing(before: StackSource, after: StackSource) -> Iterator[Edited]:
    for (path, old), (_, new) in zip(before.files, after.files, strict=True):
        if old != new:
            yield Edited(posixpath.join(before.root, path), old, new)


def _nearest(word: str, known: Sequence[str]) -> str:
    return did_you_mean(word, known, f"there are {', '.join(known)}" if known else "there are none")


def count_of(stack: StackSource, objects: StackObjects, wanted: Wanted) -> int:
    """How often git says that the service runs. UsageError where it is not there, or has no count."""
    body = next((body for body in objects.services if body["Name"] == wanted.name), None)
    if body is None:
        names = [str(body["Name"]).removeprefix(f"{stack.name}_") for body in objects.services]
        raise UsageError(f"stack {stack.name} has no service {wanted.service!r}", help=_nearest(wanted.service, names))
    mode: Mapping[str, Any] = body.get("Mode") or {}
    replicated = mode.get("Replicated")
    if replicated is None and mode:
        where = _where(stack, wanted, ("services", wanted.service, "deploy", "mode"))
        what = "one runs on every machine (mode: global)" if "Global" in mode else "it is a job"
        raise UsageError(
            f"{where}: {wanted.name} has no count: {what}", help="placement constraints choose the machines"
        )
    count = (replicated or {}).get("Replicas")
    return 1 if count is None else int(count)


def _edited(
    stack: StackSource, objects: StackObjects, wanted: Wanted, cache: FilePath | None
) -> tuple[StackObjects, StackSource, str, int]:
    expected = tuple(
        _with_count(body, wanted.count) if body["Name"] == wanted.name else body for body in objects.services
    )
    others: set[str] = set()
    for path, text in _candidates(stack, wanted):
        edited = replace(
            stack, files=tuple((name, text.encode() if name == path else data) for name, data in stack.files)
        )
        try:
            made = compile_stacks([edited], cache=cache).objects[0]
        except InvalidFilesError:
            continue
        if made == replace(objects, services=expected):
            return made, edited, path, _line(edited, path, wanted)
        others |= {
            str(body["Name"])
            for body, other in zip(made.services, expected, strict=False)
            if body != other and body["Name"] != wanted.name
        }
    raise _refusal(stack, wanted, others)


def _with_count(body: Body, count: int) -> dict[str, Any]:
    return {**body, "Mode": {"Replicated": {**((body.get("Mode") or {}).get("Replicated") or {}), "Replicas": count}}}


def _candidates(stack: StackSource, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """(path, its new text), the likeliest first: where the count stands, then where it could."""
    service: Path = ("services", wanted.service)
    deploy: Path = (*service, "deploy")
    files = dict(stack.files)
    documents = [
        (path, document, files[path].decode())
        for path, document in references(stack).documents.items()
        if document.place(service)[1]
    ]
    value = str(wanted.count)
    for path, document, text in documents:
        changed = text
        # Compose wants both to be the same where both are given. From the end to the start: places before it stay right.
        stated = [at for at in ((*deploy, "replicas"), (*service, "scale")) if document.place(at)[1]]
        if any("$" in document.text(at) for at in stated):
            return  # a variable: whoever wrote it wants it to be one
        for at in sorted(stated, key=lambda at: document.place(at)[0].value, reverse=True):
            changed = replaced(document, changed, at, value) or changed
        if stated:
            yield path, changed
    for path, document, text in documents:
        for tried in (
            inserted(document, text, deploy, "replicas", value) if document.place(deploy)[1] else None,
            inserted(document, text, service, "deploy", {"replicas": value}) if not document.place(deploy)[1] else None,
        ):
            if tried is not None:
                yield path, tried


def _line(stack: StackSource, path: str, wanted: Wanted) -> int:
    document = references(stack).documents[path]
    for at in (("deploy", "replicas"), ("scale",)):
        place, found = document.place(("services", wanted.service, *at))
        if found:
            return place.value.line
    return 0


def _refusal(stack: StackSource, wanted: Wanted, others: set[str]) -> DeployerError:
    at = ("services", wanted.service, "deploy", "replicas")
    where = _where(stack, wanted, at)
    document = _document(stack, wanted)
    written = document.text(at) if document and document.place(at)[1] else ""
    if "$" in written:
        return DeployerError(
            f"{where}: the count of {wanted.name} is {written}, a variable", help=f"set it in {stack.root}/.env"
        )
    if others:
        return DeployerError(
            f"{where}: the count of {wanted.name} is that of {', '.join(sorted(others))} as well",
            help=f"write `replicas: {wanted.count}` under `deploy:` of {wanted.service} alone",
        )
    return DeployerError(
        f"{where}: the count of {wanted.name} cannot be set here without changing something else",
        help=f"write `replicas: {wanted.count}` under its `deploy:` yourself, and commit",
    )


def _document(stack: StackSource, wanted: Wanted) -> Document | None:
    documents = references(stack).documents.values()
    return next((one for one in documents if one.place(("services", wanted.service))[1]), None)


def _where(stack: StackSource, wanted: Wanted, at: Path) -> str:
    document = _document(stack, wanted)
    if document is None:
        return stack.path
    problem = document.problem(at, "")
    return f"{problem.path}:{problem.line}:{problem.column}"
