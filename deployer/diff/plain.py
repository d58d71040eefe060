"""A quick test of whether two service bodies are the same beyond doubt.

Nearly all services of nearly all plans are as git says, and nearly all of what they consist of is equal as it is: comparing that takes a
tenth of the time of bringing both into the form of body.py. False says nothing: then it is done in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from deployer.diff.body import ENGINE_DEFAULTS, KEPT_EMPTY, USERS_MAPS
from deployer.model.labels import VOLATILE
from deployer.model.spec import TEMPLATE, ServiceSpec

_Map = Mapping[str, Any]
_NOTHING: Final[_Map] = {}
_BY_NAME: Final = (("Configs", "ConfigID"), ("Secrets", "SecretID"))
_DEFAULTS: Final[dict[tuple[str, ...], dict[str, Any]]] = {
    path: {key: value for at, key, value in ENGINE_DEFAULTS if at == path} for path, _, _ in ENGINE_DEFAULTS
}


def plainly_same(live: _Map, wanted: _Map, networks: Mapping[str, str]) -> bool:
    """True where `normalise_service` would give the same for both; False says nothing. `networks` is the same as there."""
    one, other = ServiceSpec(live), ServiceSpec(wanted)
    mine, theirs, inside, outside = one.template, other.template, one.container, other.container
    return (
        bool(live.get("Mode")) == bool(wanted.get("Mode"))  # without one it is replicated
        and _same_labels(one.service_labels, other.service_labels)
        and _same_section(live, wanted, (), KEPT_EMPTY, apart=("Labels", TEMPLATE))
        and _same_section(
            mine,
            theirs,
            (TEMPLATE,),
            KEPT_EMPTY[TEMPLATE],
            apart=("Networks", "ContainerSpec", "ForceUpdate"),
        )
        and _same_section(
            inside,
            outside,
            (TEMPLATE, "ContainerSpec"),
            KEPT_EMPTY[TEMPLATE]["ContainerSpec"],
            apart=("Configs", "Secrets"),
        )
        and all(_same_references(inside.get(kind) or (), outside.get(kind) or (), id_key) for kind, id_key in _BY_NAME)
        and _same_networks(mine.get("Networks") or (), theirs.get("Networks") or (), networks)
    )


def _same_section(live: _Map, wanted: _Map, path: tuple[str, ...], kept: _Map, apart: tuple[str, ...] = ()) -> bool:
    """Whether two sections that were both sent are the same, but for the keys that are looked at `apart`."""
    defaults = _DEFAULTS.get(path, _NOTHING)
    for key in {**live, **wanted}:
        mine, theirs = live.get(key), wanted.get(key)
        if mine == theirs or key in apart:
            continue
        if key in defaults and theirs in (None, ""):
            if mine == defaults[key]:
                continue
            if defaults[key] != {}:
                return False
            theirs = _NOTHING
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            if key in USERS_MAPS or not _same_section(mine, theirs, (*path, key), kept.get(key) or _NOTHING):
                return False
        elif mine or theirs or key in kept:
            return False
    return True


def _same_labels(live: _Map, wanted: _Map) -> bool:
    return live == wanted or (
        all(wanted.get(key) == value for key, value in live.items() if key not in VOLATILE)
        and all(key in live for key in wanted if key not in VOLATILE)
    )


def _same_references(live: Any, wanted: Any, id_key: str) -> bool:
    """Configs or secrets, in one order, but for their ids."""
    return len(live) == len(wanted) and all(
        mine.keys() - {id_key} == theirs.keys() - {id_key}
        and all(mine[key] == value for key, value in theirs.items() if key != id_key)
        for mine, theirs in zip(live, wanted, strict=True)
    )


def _same_networks(live: Any, wanted: Any, names: Mapping[str, str]) -> bool:
    """In one order, by id or by name."""
    return len(live) == len(wanted) and all(
        mine.keys() == theirs.keys()
        and names.get(mine["Target"], mine["Target"]) == names.get(theirs["Target"], theirs["Target"])
        and all(mine[key] == value for key, value in theirs.items() if key != "Target")
        for mine, theirs in zip(live, wanted, strict=True)
    )
