"""Keep secrets out of texts that are kept: a task may print its own password before it dies.

Plans and reports are masked already where a name says secret; here every value that this run knows to be one is taken out.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from deployer.model.secret import MASK, Secret
from deployer.model.spec import ServiceSpec
from deployer.plan.masking import SECRET_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from deployer.model.desired import Desired
    from deployer.model.stack import Body, StackObjects

SHORTEST: Final = 6
"""What is shorter than that would take half of the text with it."""


def known_secrets(desired: Desired, objects: Sequence[StackObjects]) -> tuple[str, ...]:
    """The values that must not be kept: Consul's, those of stacks' secrets (and each line of them), variables named like one."""
    cluster = [
        secret.reveal() for secret in (desired.cluster.secrets.token, desired.cluster.secrets.gossip_key) if secret
    ]
    contents = [text for stack in objects for body in stack.secrets for text in _content(body.get("Data"))]
    veiled = [text for stack in objects for text in _veil([*stack.configs, *stack.services])]
    variables = [text for stack in objects for body in stack.services for text in _variables(body)]
    projects = [stack.project.environment.values() for stack in objects if stack.project]
    texts = [secret.reveal() for held in projects for secret in held]
    lines = [line for text in texts for line in (text, *text.splitlines())]
    found = {text.strip() for text in (*cluster, *contents, *veiled, *variables, *lines)}
    return tuple(sorted((text for text in found if len(text) >= SHORTEST), key=len, reverse=True))


def hide_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret masked, as it is and as JSON writes it."""
    for secret in secrets:
        for form in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
            text = text.replace(form, MASK)
    return text


def _content(data: Any) -> Iterator[str]:
    """The text of a body's `Data`, and each line of it."""
    encoded = data.reveal() if isinstance(data, Secret) else data
    if not isinstance(encoded, str):
        return
    yield encoded
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        return
    yield text
    yield from text.splitlines()


def _veil(value: Any) -> Iterator[str]:
    """Every `Secret` in a body, and of `NAME=value` the value."""
    if isinstance(value, Secret):
        yield from _content(value)
        yield value.reveal().partition("=")[2]
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _veil(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _veil(one)


def _variables(body: Body) -> Iterator[str]:
    for variable in ServiceSpec(body).env:
        name, _, value = str(variable).partition("=")
        if SECRET_WORDS.search(name) and not name.endswith("_FILE"):
            yield value
