"""SOPS in JSON, and in the JSON that stands for any other file (stores/json/store.go)."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from deployer.encrypted.leaves import DEEPEST, DamagedError, Leaf, check_count, find_leaves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def read(text: str) -> tuple[list[Leaf], Any]:
    """All leaves in the order of the file, and the `sops` section. Raises DamagedError."""
    document = _parse(text)
    _check(document, itertools.count(1))
    section = document.pop("sops", None)
    return list(find_leaves(document)), section


def replace_section(text: str, section: Mapping[str, Any]) -> str:
    """The file with another `sops` section."""
    return json.dumps(_parse(text) | {"sops": section})


def _parse(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_make_object, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise DamagedError("it is no JSON") from None
    if not isinstance(document, dict):
        raise DamagedError("it is no JSON object")
    return document


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise DamagedError("it has a key twice")
    return made


def _refuse(constant: str) -> Any:
    raise DamagedError(f"it is no JSON: {constant} is no number there")


def _check(value: Any, seen: Iterator[int], depth: int = 1) -> None:
    if depth > DEEPEST and isinstance(value, dict | list):
        raise DamagedError(f"it is more than {DEEPEST} levels deep")
    check_count(next(seen))
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _check(one, seen, depth + 1)
