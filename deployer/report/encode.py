"""Documents as JSON: the one place where they become text."""

from __future__ import annotations

import json

from msgspec import to_builtins


def to_json(document: object, *, indent: int | None = 2) -> str:
    """ASCII only, so that nothing in it moves a cursor whatever shows it; ends with a newline."""
    return json.dumps(to_builtins(document), indent=indent).replace("\x7f", "\\u007f") + "\n"
