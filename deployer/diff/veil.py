"""Fields that differ, with the values of encrypted files masked on both sides: the live one is in the clear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from deployer.model import labels
from deployer.model.field import Absent, Field
from deployer.model.secret import MASK, Secret
from deployer.model.spec import CONTAINER, TEMPLATE, ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

_ENV: Final = f"{CONTAINER}.Env"
_SECTIONS: Final = (f"{CONTAINER}.Args", f"{CONTAINER}.Command", f"{CONTAINER}.Healthcheck", f"{TEMPLATE}.LogDriver")


def sealed_label(body: Mapping[str, Any]) -> dict[str, str]:
    """The label of a service that has any."""
    names = _sealed_names(body)
    return {labels.SEALED: names} if names else {}


def _sealed_names(body: Mapping[str, Any]) -> str:
    """The names of the variables that are `Secret`s, for the label; empty where none is."""
    secret = [one.reveal() for one in ServiceSpec(body).env if isinstance(one, Secret)]
    return ",".join(sorted(one.partition("=")[0] for one in secret))


def veil_fields(fields: tuple[Field, ...], body: Mapping[str, Any], live: Mapping[str, str]) -> tuple[Field, ...]:
    """`body` is the desired one, with its `Secret`s; `live` are the live service's labels, which name what was secret."""
    told = ",".join((_sealed_names(body), live.get(labels.SEALED, "")))
    names = frozenset(filter(None, told.split(",")))
    hidden = tuple(path for path in _SECTIONS if _holds_secret(_dig(body, path)))
    if not names and not hidden:
        return fields
    return tuple(_veil(field, names, hidden) for field in fields)


def _veil(field: Field, names: frozenset[str], hidden: Iterable[str]) -> Field:
    if any(field.path == path or field.path.startswith((f"{path}.", f"{path}[")) for path in hidden):
        return replace(field, old=_whole(field.old), new=_whole(field.new))
    if field.path.startswith(f"{_ENV}.") and field.path.removeprefix(f"{_ENV}.") in names:
        return replace(field, old=_whole(field.old), new=_whole(field.new))
    if field.path == _ENV:  # one side has a name twice
        return replace(field, old=_variables(field.old, names), new=_variables(field.new, names))
    return field


def _whole(value: Any) -> Any:
    return value if isinstance(value, Absent) else MASK


def _variables(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_variables(one, names) for one in value]
    name, equals, _ = value.partition("=") if isinstance(value, str) else ("", "", "")
    return f"{name}={MASK}" if equals and name in names else value


def _dig(body: Mapping[str, Any], path: str) -> Any:
    value: Any = body
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _holds_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_secret(one) for one in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_secret(one) for one in value)
    return isinstance(value, Secret)
