"""SOPS in JSON, and in the JSON that stands for any other file (stores/json/store.go)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from deployer.encrypted.sops import DEEPEST, DamagedError, bounded, leaf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deployer.encrypted.sops import Leaf, Value

_LARGEST: Final = 1 << 63
_WRITTEN_OUT: Final = 1e21


class _Pairs(list[tuple[str, Any]]):
    """An object's members in their order."""


def read(text: str) -> tuple[list[Leaf], Any]:
    """All leaves in the order of the file, and the `sops` section."""
    document = _parse(text)
    _check(document)
    leaves = list(_leaves(document, ()))
    return leaves, _plain(next((value for key, value in document if key == "sops"), None))


def write(text: str, values: Sequence[Value]) -> bytes:
    """The file with these values for its leaves, as `sops --decrypt` writes it."""
    rebuilt = _rebuilt(_Pairs(pair for pair in _parse(text) if pair[0] != "sops"), iter(values))
    return json.dumps(rebuilt, indent="\t", ensure_ascii=False).encode()


def write_data(values: Sequence[Value]) -> bytes:
    """The one value of a file that is no JSON."""
    return str(values[0]).encode()


def _parse(text: str) -> _Pairs:
    try:
        document = json.loads(text, object_pairs_hook=_Pairs, parse_int=_integer)
    except (ValueError, RecursionError):
        raise DamagedError("it is no JSON") from None
    if not isinstance(document, _Pairs):
        raise DamagedError("it is no JSON object")
    return document


def _integer(text: str) -> int | float:
    number = int(text) if len(text) < len(str(_LARGEST)) + 1 else _LARGEST
    return number if -_LARGEST <= number < _LARGEST else float(text)


def _check(document: _Pairs) -> None:
    """Raises DamagedError for a key that is there twice, and for what is deeper than files of people are."""
    waiting: list[tuple[Any, int]] = [(document, 1)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        bounded(count := count + len(value))
        if depth > DEEPEST:
            raise DamagedError(f"it is more than {DEEPEST} levels deep")
        if isinstance(value, _Pairs):
            if len({key for key, _ in value}) < len(value):
                raise DamagedError("it has a key twice")
            waiting += ((one, depth + 1) for _, one in value if isinstance(one, list))
        else:
            waiting += ((one, depth + 1) for one in value if isinstance(one, list))


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[Leaf]:
    if isinstance(value, _Pairs):
        for key, one in value:
            if path or key != "sops":
                yield from _leaves(one, (*path, key))
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, path)
    else:
        yield leaf(path, value)


def _rebuilt(value: Any, values: Iterator[Value]) -> Any:
    if isinstance(value, _Pairs):
        return {key: _rebuilt(one, values) for key, one in value}
    if isinstance(value, list):
        return [_rebuilt(one, values) for one in value]
    return _shortest(next(values))


def _shortest(value: Value) -> Value:
    """Go writes a float without a fraction as an integer, and encrypts every number of a JSON file as a float."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _WRITTEN_OUT
    return int(value) if whole else value  # type: ignore[arg-type]  # it is a float


def _plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {key: _plain(one) for key, one in value}
    return [_plain(one) for one in value] if isinstance(value, list) else value
