"""Parse a YAML file into plain values with their positions; hostile input is a problem, never a crash.

`parse` (reading.py) looks at the bytes (guard.py), then walks the parser's events once and builds values and positions as it
goes (build.py): depth, size and what aliases expand to are bounded before anything is built. Scalars mean what
they mean to Docker (scalars.py). `parse_kept` (kept.py) does it once for each content.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from deployer.document.places import COMPOSE_TAGS, Document, Mark, Path, Place, shortened

if TYPE_CHECKING:
    from deployer.document.reading import parse

__all__ = ["COMPOSE_TAGS", "Document", "Mark", "Path", "Place", "parse", "shortened"]


def __getattr__(name: str) -> Any:
    """The parser when it is needed: where every file is known by its content it is not."""
    if name != "parse":
        raise AttributeError(name)
    return import_module("deployer.document.reading").parse
