"""A stack in compose mode: make of the normalised file what `docker compose up` is given on its machine. Pure.

The machine has no checkout: whatever the file takes from the repository goes into the file itself (configs), or into the
environment of the one process that reads it (secrets), never to a disk.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.allowed import SECTIONS, allowed, refusals, without_value
from deployer.compose.contents import Content, contents
from deployer.compose.rules import Note
from deployer.model import labels
from deployer.model.project import Project, ProjectService
from deployer.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.compose.contents import Kind

_VARIABLE: Final = "DEPLOYER_SECRET_{}"
_DIGITS: Final = 16


def project(
    config: Mapping[str, Any], stack: str, node: str, files: Mapping[str, bytes], variables: Mapping[str, str]
) -> tuple[Project | None, list[Note]]:
    """The project, or none where there are errors among the notes. `files` and `variables` are as `contents` takes them."""
    held, notes = _contents(config, files, variables)
    notes += refusals(config)
    services = {}
    for name, one in sorted((config.get("services") or {}).items()):
        services[name], told = without_value(allowed(one), ("services", name))
        notes += told
    model: dict[str, Any] = {key: config[key] for key in SECTIONS if key in config}
    model |= {"name": stack, "services": services}
    for kind in ("networks", "volumes"):
        model[kind] = {key: _labelled(one or {}, stack) for key, one in sorted((config.get(kind) or {}).items())}
    environment: dict[str, Secret] = {}
    for kind in ("configs", "secrets"):
        model[kind] = dict(sorted((config.get(kind) or {}).items()))
    for (kind, key), content in sorted(held.items()):
        model[kind][key], note = _given(kind, key, content, environment)
        notes += [note] if note else []
    if any(note.severity == "error" for note in notes):
        return None, notes
    made = [_stamped(name, one, stack, held) for name, one in services.items()]
    text = json.dumps({key: one for key, one in model.items() if one not in ({}, None)}, sort_keys=True)
    return Project(stack, node, text, tuple(made), environment), notes


def _contents(
    config: Mapping[str, Any], files: Mapping[str, bytes], variables: Mapping[str, str]
) -> tuple[dict[tuple[str, str], Content], list[Note]]:
    held: dict[tuple[str, str], Content] = {}
    notes: list[Note] = []
    kinds: tuple[Kind, ...] = ("configs", "secrets")
    for kind in kinds:
        for found in contents(kind, config, files, variables):
            if isinstance(found, Note):
                notes.append(found)
            else:
                held[kind, found[0]] = found[1]
    return held, [*notes, *_sealed(held)]


def _labelled(one: Mapping[str, Any], stack: str) -> dict[str, Any]:
    """A network or volume that compose makes, with the label that says for which stack; an external one as it is."""
    return dict(one) if one.get("external") else {**one, "labels": _owned(one.get("labels"), stack)}


def _sealed(held: Mapping[tuple[str, str], Content]) -> Iterator[Note]:
    for (kind, key), content in held.items():
        if content.sealed is not None:
            yield Note(
                (kind, key), f"{key!r} is encrypted, which `mode: compose` does not open", "use `mode: swarm`", "error"
            )


def _given(kind: str, key: str, content: Content, environment: dict[str, Secret]) -> tuple[dict[str, Any], Note | None]:
    """A config's text in the file; a secret's in a variable. Compose copies both into the containers (2.23.1 and newer)."""
    try:
        text = content.data.decode()
    except UnicodeDecodeError:
        note = Note(
            (kind, key),
            f"{key!r} is not text, which compose cannot bring to a machine",
            "put it into the image",
            "error",
        )
        return {}, note
    if kind == "configs":
        return {"content": text}, None
    variable = _VARIABLE.format(len(environment))
    environment[variable] = Secret(text)
    return {"environment": variable}, None


def _stamped(name: str, service: dict[str, Any], stack: str, held: Mapping[tuple[str, str], Content]) -> ProjectService:
    """The service with its labels, in place; its count does not belong to what its containers are made from."""
    deploy = dict(service.get("deploy") or {})
    count = int(deploy.pop("replicas", service.get("scale", 1)))
    made = {key: one for key, one in service.items() if key not in {"deploy", "scale", "depends_on", "profiles"}}
    given = [
        held[kind, entry["source"]].name
        for kind in ("configs", "secrets")
        for entry in service.get(kind) or ()
        if (kind, entry.get("source")) in held
    ]
    text = json.dumps([made, deploy, given], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    service["labels"] = _owned(service.get("labels"), stack) | {labels.HASH: digest}
    return ProjectService(name, count, str(service.get("image", "")), digest)


def _owned(own: Mapping[str, str] | None, stack: str) -> dict[str, str]:
    return {**(own or {}), labels.STACK: stack}
