"""Configs and secrets: whatever they come from, bytes; and a name that says which bytes.

Swarm cannot change a config or secret (moby#35048), so a changed one needs another name: `STACK_KEY-<hash>`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.compose.rules import Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.compose.rules import Path

Kind = Literal["configs", "secrets"]
LARGEST: Final[Mapping[Kind, int]] = {"configs": 1000 << 10, "secrets": 500 << 10}
"""Bytes, exclusive (swarmkit, manager/controlapi/config.go and secret.go)."""
LONGEST_NAME: Final = 64
_DIGITS: Final = 12


@dataclass(frozen=True, repr=False)
class Content:
    """The bytes of one config or secret under its full name; `file` is where they came from, if from a file of the stack."""

    kind: Kind
    name: str
    data: bytes
    file: str | None


def contents(
    kind: Kind, config: Mapping[str, Any], files: Mapping[str, bytes], variables: Mapping[str, str]
) -> Iterator[tuple[str, Content] | Note]:
    """(key, content) for each that is not external and has no driver of its own, and notes.

    `files` are the stack's files by path; `variables` are the values that Docker found for `environment:` sources.
    """  # fmt: skip
    for key, one in sorted((config.get(kind) or {}).items()):
        if one.get("external"):
            continue
        at: Path = (kind, key)
        data, file = _source(one, files, variables)
        if data is None:
            if "environment" in one:
                message = (
                    f"the variable {one['environment']} has no value: the environment of whoever deploys is not read"
                )
                yield Note(
                    (*at, "environment"), message, "set it in the stack's .env, or use a file", "error", key=False
                )
            elif not one.get("driver"):
                yield Note(at, f"{key!r} has no content", "give it a file", "error")
            continue
        if not data or len(data) >= LARGEST[kind]:
            limit = LARGEST[kind]
            yield Note(
                at,
                f"{key!r} has {len(data)} bytes; Swarm takes 1 to {limit - 1}",
                "split it, or put it into the image",
                "error",
            )
        name = f"{one['name']}-{_hash(data, one.get('template_driver') or '')}"
        if len(name) > LONGEST_NAME:
            message = f"the name {name!r} has {len(name)} characters; Swarm takes {LONGEST_NAME}"
            yield Note(at, message, f"shorten the key: {_DIGITS + 1} characters are the content's hash", "error")
        yield key, Content(kind, name, data, file)


def _source(
    one: Mapping[str, Any], files: Mapping[str, bytes], variables: Mapping[str, str]
) -> tuple[bytes | None, str | None]:
    if "content" in one:
        return str(one["content"]).encode(), None
    if "environment" in one:
        value = variables.get(one["environment"])
        return (value.encode() if value else None), None
    file = str(one.get("file", "")).removeprefix("./")
    return files.get(file), file


def _hash(data: bytes, template_driver: str) -> str:
    digest = hashlib.sha256(data)
    if template_driver:  # as immutable as the content
        digest.update(b"\0" + template_driver.encode())
    return digest.hexdigest()[:_DIGITS]
