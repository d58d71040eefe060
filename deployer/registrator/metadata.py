"""Environment and labels in, SERVICE_* settings of one port out. Pure (REGISTRATOR.md, 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from deployer.registrator.container import Container

PREFIX: Final = "SERVICE_"
_PORT: Final = re.compile(r"([+-]?[0-9]+)_(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Settings:
    """The settings of one port by their lower-case names; `own` names those that were given for this port alone."""

    values: Mapping[str, str]
    own: frozenset[str]

    def get(self, name: str) -> str:
        """The value; empty where it is not set, or set to nothing."""
        return self.values.get(name, "")


def settings_of(container: Container, port: int) -> Settings:
    """What a container says about one of its ports.

    Environment first, then labels: a label with the same key wins. `SERVICE_80_NAME` is for the exposed port 80 alone and beats
    `SERVICE_NAME` whichever comes first. `SERVICE_80` is a setting named `80`.
    """
    return settings(pairs(container), port)


def pairs(container: Container) -> tuple[tuple[str, str], ...]:
    """The keys and values of a container: environment, then labels by name."""
    env = (word.partition("=") for word in container.env)
    return (*((key, value) for key, equals, value in env if equals), *sorted(container.labels.items()))


def settings(pairs: Iterable[tuple[str, str]], port: int) -> Settings:
    values: dict[str, str] = {}
    own: set[str] = set()
    for key, value in _service_keys(pairs):
        number, name = _split(key)
        if number is None:
            if key not in own:
                values[key] = value
        elif number == str(port):
            values[name] = value
            own.add(name)
    return Settings(values, frozenset(own))


def stray_ports(pairs: Iterable[tuple[str, str]], ports: Iterable[int]) -> tuple[str, ...]:
    """The keys that are for a port which the container does not have, as they were written; sorted."""
    known = {str(port) for port in ports}
    return tuple(
        sorted({
            key for key, _ in pairs
            if key.startswith(PREFIX)
            and (number := _split(key.removeprefix(PREFIX).lower())[0]) is not None
            and number not in known
        })
    )  # fmt: skip


def _service_keys(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for key, value in pairs:
        if key.startswith(PREFIX):
            yield key.removeprefix(PREFIX).lower(), value


def _split(key: str) -> tuple[str | None, str]:
    """(`80`, `name`) of `80_name`; the number is compared as text, as the old program did."""
    match = _PORT.fullmatch(key)
    return (match[1], match[2]) if match else (None, key)
