"""Tokens of encrypted values in the bodies that Docker's tools made: which are there, and whether they are where they may be."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.sealing import TOKEN
from deployer.model.spec import CONTAINER, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deployer.model.stack import Body, SealedContent, SealedValue, StackObjects

FIT: Final = (
    *((*CONTAINER.split("."), key) for key in ("Env", "Args", "Command", "Healthcheck")),
    (TEMPLATE, "LogDriver", "Options"),
)
"""Where a service may have a value that nobody is to see in a plan; a name, an image or a label is seen by everybody."""


def used(
    values: Iterable[SealedValue], services: Sequence[Body], contents: Sequence[SealedContent]
) -> tuple[SealedValue, ...]:
    """Those whose tokens are anywhere."""
    if not values:
        return ()
    texts = [text for _, text in _texts(services, ())]
    texts += [base64.b64decode(content.data).decode(errors="replace") for content in contents if content.data]
    found = {token for text in texts for token in TOKEN.findall(text)}
    return tuple(value for value in values if value.token in found)


def misplaced(objects: StackObjects) -> str | None:
    """The short name of the first service with a token where none may be; of the stack's first, for other objects."""
    prefix = objects.stack + "_"
    for body in objects.services:
        for path, text in _texts(body, ()):
            if TOKEN.search(text) and not any(path[: len(fit)] == fit for fit in FIT):
                return str(body["Name"]).removeprefix(prefix)
    for path, text in _texts((objects.networks, objects.external, objects.secrets, objects.configs), ()):
        if TOKEN.search(text) and path[-1:] != ("Data",):
            return str(objects.services[0]["Name"]).removeprefix(prefix)
    return None


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text with the keys above it; keys are texts, too."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield path, key
            yield from _texts(one, (*path, key))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one, path)
