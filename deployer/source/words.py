"""The words for what a value is and what it should have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.document import shortened
from deployer.model.patterns import ADDRESS_PATTERN, IMAGE_PATTERN, INTERFACE_PATTERN, NAME_PATTERN, USER_PATTERN
from deployer.model.stack import STACK_PATTERN, WAIT_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.document import Path

PATTERNS: Final = {
    NAME_PATTERN: "lower-case letters, digits and hyphens, at most 63, a letter or digit first and last",
    STACK_PATTERN: "lower-case letters, digits, hyphens and underscores, at most 63, a letter or digit first and last",
    ADDRESS_PATTERN: "an IP address, a host name, or `local`; users and ports belong under `ssh`",
    INTERFACE_PATTERN: "the name of a network interface, or an IP address",
    USER_PATTERN: "lower-case letters, digits, '_', '-' and '.', at most 32, a letter or '_' first",
    IMAGE_PATTERN: "an image's name, as in `docker pull`",
    WAIT_PATTERN: "a time in seconds or minutes, such as 180s or 5m",
}
"""What each pattern of the file formats means to people."""

_KINDS: Final = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
}


def kind(value: Any) -> str:
    """What a value of a document is: "a string"."""
    return _KINDS.get(type(value), "empty")


def dotted(at: Path) -> str:
    """`("labels", "zone")` as `labels.zone`, `("after", 0)` as `after[0]`."""
    text = ""
    for step in at:
        text += f"[{step}]" if isinstance(step, int) else f".{shortened(step)}"
    return text.removeprefix(".")


def either(words: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
