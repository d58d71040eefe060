"""Configs and secrets: whatever they come from, bytes; and a name that says which bytes.

Swarm cannot change a config or secret (moby#35048), so a changed one needs another name: `STACK_KEY-<hash>`. Everybody
who may list secrets sees the name: a secret's hash is a slow one, with the name as salt.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.compose.rules import Note
from deployer.compose.sealing import TOKEN
from deployer.encrypted import kind_of
from deployer.model.stack import SealedContent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.compose.rules import Path

Kind = Literal["configs", "secrets"]
LARGEST: Final[Mapping[Kind, int]] = {"configs": 1000 << 10, "secrets": 500 << 10}
"""Bytes, exclusive (swarmkit, manager/controlapi/config.go and secret.go)."""
LONGEST_NAME: Final = 64
_DIGITS: Final = 12
_COST: Final = 1 << 12
"""Of scrypt: 4 MiB and 10 ms for each guess at a secret."""


@dataclass(frozen=True, repr=False)
class Content:
    """The bytes of one config or secret under its full name; `file` is where they came from, if from a file of the stack."""

    kind: Kind
    name: str
    data: bytes
    file: str | None
    sealed: SealedContent | None = None
    """What is to be opened before it has any data."""


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
        if data is not None and (kind_of(file or "", data) if file else TOKEN.search(data.decode(errors="replace"))):
            yield from _sealed(kind, key, one, data, file)
            continue
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
        name = _name(kind, one["name"], data, one.get("template_driver") or "")
        yield from _too_long(name, at)
        yield key, Content(kind, name, data, file)


def sealed_name(sealed: SealedContent, data: bytes) -> str:
    """The last name of what was sealed, by its plain `data`: to encrypt the same text anew changes nothing."""
    return _name("secrets", sealed.name[: -_DIGITS - 1], data, sealed.template_driver)


def _sealed(
    kind: Kind, key: str, one: Mapping[str, Any], data: bytes, file: str | None
) -> Iterator[tuple[str, Content] | Note]:
    """By its ciphertext until it is opened; the name is as long as the last one."""
    driver = one.get("template_driver") or ""
    name = _name("configs", one["name"], data, driver)
    yield from _too_long(name, (kind, key))
    kept = "" if file else base64.b64encode(data).decode()
    yield key, Content(kind, name, b"", file, SealedContent(kind, name, file or "", kept, driver))


def _too_long(name: str, at: Path) -> Iterator[Note]:
    if len(name) > LONGEST_NAME:
        message = f"the name {name!r} has {len(name)} characters; Swarm takes {LONGEST_NAME}"
        yield Note(at, message, f"shorten the key: {_DIGITS + 1} characters are the content's hash", "error")


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


def _name(kind: Kind, base: str, data: bytes, template_driver: str) -> str:
    """The template driver is as immutable as the content."""
    hashed = data + (b"\0" + template_driver.encode() if template_driver else b"")
    if kind == "configs":
        digest = hashlib.sha256(hashed).hexdigest()
    else:
        digest = hashlib.scrypt(hashed, salt=f"deployer {base}".encode(), n=_COST, r=8, p=1).hex()
    return f"{base}-{digest[:_DIGITS]}"
