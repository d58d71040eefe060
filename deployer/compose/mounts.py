"""Volumes, bind mounts and tmpfs of a service, as Swarm takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.binds import CONFIG
from deployer.compose.rules import Note, Put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.compose.rules import Path

_OPTIONS: Final = {"bind": ("propagation",), "volume": ("nocopy",), "tmpfs": ("size",)}
"""What the stack schema takes of each."""
_MEANINGLESS: Final = frozenset({"create_host_path"})
_SIZE: Final = re.compile(r"(\d+)([bkmg]?)b?", re.IGNORECASE)
_UNITS: Final = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

NO_CHECKOUT: Final = "the machines have no checkout of this repository"
USE_CONFIG: Final = "copy it into the stack's folder; use a named volume or an absolute path for data"


def mounted(value: list[dict[str, Any]], at: Path) -> Iterator[Put | Note]:
    """Sources inside the checkout (they begin with `./` here) are errors; sizes are numbers."""
    result = []
    for index, mount in enumerate(value):
        kind, here = mount.get("type", ""), (*at, index)
        if kind == CONFIG:
            continue
        source = str(mount.get("source", ""))
        if kind == "bind" and (source == "." or source.startswith("./")):
            yield Note(here, f"{source} is a path of this repository: {NO_CHECKOUT}", USE_CONFIG, "error", key=False)
            continue
        entry = {key: one for key, one in mount.items() if key not in _OPTIONS and one is not None}
        options = mount.get(kind) or {}
        taken = {key: options[key] for key in _OPTIONS.get(kind, ()) if key in options}
        if "size" in taken:
            taken["size"] = _bytes(str(taken["size"])) or 0
        if taken:
            entry[kind] = taken
        for key in sorted(options.keys() - taken.keys() - _MEANINGLESS):
            yield Note((*here, kind, key), f"{key!r} of this mount is ignored: docker stacks do not know it")
        result.append(entry)
    yield Put(("volumes",), result)


def temporary(value: list[str], at: Path) -> Iterator[Put | Note]:
    """`tmpfs:` is dropped silently by Docker's converter; as a mount it is not."""
    for index, entry in enumerate(value):
        target, _, options = entry.partition(":")
        mount: dict[str, Any] = {"type": "tmpfs", "target": target}
        for option in filter(None, options.split(",")):
            name, _, given = option.partition("=")
            size = _bytes(given) if name == "size" else None
            if size is not None:
                mount["tmpfs"] = {"size": size}
            else:
                yield Note(
                    (*at, index),
                    f"the option {option!r} of this tmpfs is ignored: docker stacks do not know it",
                    key=False,
                )
        yield Put(("volumes",), mount, "append")


def _bytes(text: str) -> int | None:
    match = _SIZE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2].lower()] if match else None
