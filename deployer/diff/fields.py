"""The fields in which two values differ; and one value with some fields of the other.

Elements of lists are matched by what names them: a variable by its name, a mount by its target, a port by its number.
Their order is no difference, as engines make none of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

from deployer.model.field import ABSENT, Absent, Field
from deployer.model.spec import CONTAINER, TEMPLATE

Named = Callable[[Any], str]
"""An element of a list in, what names it out."""


def _port(port: Any) -> str:
    return f"{port.get('TargetPort')}/{port.get('Protocol', 'tcp')}"


def _published(port: Any) -> str:
    return f"{port.get('PublishedPort', '')}:{_port(port)}"


def _file(word: str) -> Named:
    def name(reference: Any) -> str:
        return str((reference.get("File") or {}).get("Name") or reference.get(f"{word}Name"))

    return name


NAMED: Final[Mapping[str, tuple[Named, ...]]] = {
    f"{CONTAINER}.Mounts": (lambda mount: str(mount.get("Target")),),
    f"{CONTAINER}.Configs": (_file("Config"),),
    f"{CONTAINER}.Secrets": (_file("Secret"),),
    f"{CONTAINER}.Ulimits": (lambda limit: str(limit.get("Name")),),
    f"{TEMPLATE}.Networks": (lambda network: str(network.get("Target")),),
    "EndpointSpec.Ports": (_port, _published),
}
"""Lists of mappings, with what names an element; the next where that names two alike."""

VARIABLES: Final = frozenset({f"{CONTAINER}.Env"})
"""Lists of NAME=VALUE."""

SETS: Final = frozenset({
    f"{TEMPLATE}.Placement.Constraints", f"{CONTAINER}.CapabilityAdd", f"{CONTAINER}.CapabilityDrop",
    f"{CONTAINER}.Groups", f"{CONTAINER}.Hosts",
})  # fmt: skip
"""Lists in which each element speaks for itself."""


class Part(NamedTuple):
    """What stands at one place on both sides; `whole` is not looked into where one side lacks it."""

    path: str
    key: str
    old: Any
    new: Any
    whole: bool = False


class Parts(NamedTuple):
    kind: Literal["mapping", "named", "variables", "set"]
    parts: tuple[Part, ...]


def fields(old: Any, new: Any, path: str = "") -> tuple[Field, ...]:
    """Every leaf that differs, sorted by path."""
    if old == new:
        return ()
    parts = _parts(old, new, path)
    if parts is None:
        return (Field(path, old, new),)
    found: list[Field] = []
    for part in parts.parts:
        if part.whole and part.old != part.new:
            found.append(Field(part.path, part.old, part.new))
        else:
            found += fields(part.old, part.new, part.path)
    return tuple(found)


def merge_fields(old: Any, new: Any, keep: Callable[[Field], bool], path: str = "") -> Any:
    """`new`, but the `old` side of every field that `keep` says; ABSENT where nothing is left."""
    if old == new:
        return new
    parts = _parts(old, new, path)
    if parts is None:
        return old if keep(Field(path, old, new)) else new
    made: dict[str, Any] = {}
    for part in parts.parts:
        if part.whole:
            value = part.old if keep(Field(part.path, part.old, part.new)) else part.new
        else:
            value = merge_fields(part.old, part.new, keep, part.path)
        if not isinstance(value, Absent):
            made[part.key] = value
    return _assemble(parts.kind, made, absent=isinstance(old, Absent) or isinstance(new, Absent))


def atoms(value: Any, path: str) -> tuple[str, ...]:
    """Every leaf of a value with its path, as text that is equal where both are."""
    return tuple(
        f"{leaf.path}={json.dumps(leaf.new, sort_keys=True, separators=(',', ':'))}" for leaf in _leaves(value, path)
    )


def _leaves(value: Any, path: str) -> tuple[Field, ...]:
    parts = _parts(ABSENT, value, path)
    if parts is None:
        return (Field(path, ABSENT, value),)
    return tuple(leaf for part in parts.parts for leaf in _leaves(part.new, part.path))


def _parts(old: Any, new: Any, path: str) -> Parts | None:
    """What both sides consist of, matched; None where they are to be taken as a whole."""
    sides = [side for side in (old, new) if not isinstance(side, Absent)]
    if sides and all(isinstance(side, Mapping) for side in sides):
        keys = sorted({key for side in sides for key in side})
        parts = [Part(f"{path}.{key}" if path else str(key), key, *_both(old, new, key)) for key in keys]
        return Parts("mapping", tuple(parts)) if parts else None
    if not sides or not all(isinstance(side, list) for side in sides):
        return None
    if path in VARIABLES:
        return _align("variables", old, new, lambda text: text.partition("=")[0], lambda key: f"{path}.{key}")
    if path in SETS:
        return _align("set", old, new, str, lambda _: path)
    for name in NAMED.get(path, ()):
        parts_ = _align("named", old, new, name, lambda key: f"{path}[{key}]")
        if parts_ is not None:
            return parts_
    return None


def _align(
    kind: Literal["named", "variables", "set"], old: Any, new: Any, name: Named, place: Callable[[str], str]
) -> Parts | None:
    """None where a name stands for two elements of one side."""
    sides = [[] if isinstance(side, Absent) else side for side in (old, new)]
    try:
        by_name = [{name(element): element for element in side} for side in sides]
    except AttributeError:  # no engine would have sent it
        return None
    if any(len(known) < len(side) for known, side in zip(by_name, sides, strict=True)):
        return None
    if kind == "variables":
        by_name = [{key: text.partition("=")[2] for key, text in known.items()} for known in by_name]
    keys = sorted({*by_name[0], *by_name[1]})
    if not keys:
        return None
    pairs = [(key, by_name[0].get(key, ABSENT), by_name[1].get(key, ABSENT)) for key in keys]
    return Parts(kind, tuple(
        Part(place(key), key, one, other, kind == "set" or isinstance(one, Absent) or isinstance(other, Absent))
        for key, one, other in pairs
    ))  # fmt: skip


def _both(old: Any, new: Any, key: str) -> tuple[Any, Any]:
    one, other = (ABSENT if isinstance(side, Absent) else side.get(key, ABSENT) for side in (old, new))
    return one, other


def _assemble(kind: str, made: dict[str, Any], *, absent: bool) -> Any:
    if not made and absent:
        return ABSENT
    match kind:
        case "mapping":
            return made
        case "variables":
            return [f"{key}={value}" for key, value in made.items()]
        case _:
            return list(made.values())
