"""Bytes of a YAML file in, plain values with their positions out; hostile input is a problem, never a crash.

`parse` looks at the bytes (guard.py), then walks the parser's events once and builds values and positions as it
goes (build.py): depth, size and what aliases expand to are bounded before anything is built. Scalars mean what
they mean to Docker (scalars.py).
"""

from __future__ import annotations

from deployer.document.parse import COMPOSE_TAGS, parse
from deployer.document.places import Document, Mark, Path, Place, shortened

__all__ = ["COMPOSE_TAGS", "Document", "Mark", "Path", "Place", "parse", "shortened"]
