"""Read the SERVICE_* settings of one port from environment and labels. Pure. The rules are those of gliderlabs.github.io/registrator/latest/user/services."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.registrator.container import Container

PREFIX: Final = "SERVICE_"
MOST: Final = 1000
LARGEST: Final = 65536
"""How many settings a container may have, and how many characters in all: each of its ports has all of them."""
_PORT: Final = re.compile(r"([+-]?[0-9]+)_(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Settings:
    """The settings of one port by their lower-case names; `own` names those that were given for this port alone."""

    values: Mapping[str, str]
    own: frozenset[str]

    def get(self, name: str) -> str:
        """The value; empty where it is not set, or set to nothing."""
        return self.values.get(name, "")


@dataclass(frozen=True)
class Metadata:
    """The SERVICE_* settings of a container, read once for all of its ports."""

    common: Mapping[str, str]
    ports: Mapping[str, Mapping[str, str]]
    """The settings of one port, by its number as it was written."""
    written: Mapping[str, tuple[str, ...]]
    """The keys of those as they were written, likewise."""

    def of(self, port: int) -> Settings:
        """What a container says about one of its ports.

        `SERVICE_80_NAME` is for the exposed port 80 alone and beats `SERVICE_NAME` whichever comes first. `SERVICE_80` is a
        setting named `80`.
        """
        own = self.ports.get(str(port), {})
        return Settings({**self.common, **own}, frozenset(own))

    def stray(self, ports: Iterable[int]) -> tuple[str, ...]:
        """The keys that are for a port which the container does not have, as they were written; sorted."""
        known = {str(port) for port in ports}
        return tuple(sorted(key for number, keys in self.written.items() if number not in known for key in keys))


class TooMuchError(ValueError):
    """A container has more settings than anybody reads. The message says how many there may be."""


def pairs(container: Container) -> tuple[tuple[str, str], ...]:
    """The keys and values of a container: environment, then labels by name."""
    env = (word.partition("=") for word in container.env)
    return (*((key, value) for key, equals, value in env if equals), *sorted(container.labels.items()))


def read_metadata(pairs: Iterable[tuple[str, str]]) -> Metadata:
    """Environment first, then labels: a label with the same key wins. Raises TooMuchError."""
    common: dict[str, str] = {}
    ports: dict[str, dict[str, str]] = {}
    written: dict[str, dict[str, None]] = {}
    count = size = 0
    for whole, value in pairs:
        if not whole.startswith(PREFIX):
            continue
        count, size = count + 1, size + len(whole) + len(value)
        if count > MOST or size > LARGEST:
            raise TooMuchError(f"more than {MOST} {PREFIX} settings, or {LARGEST} characters in all of them")
        number, name = _split(whole.removeprefix(PREFIX).lower())
        if number is None:
            common[name] = value
        else:
            ports.setdefault(number, {})[name] = value
            written.setdefault(number, {})[whole] = None
    return Metadata(common, ports, {number: tuple(keys) for number, keys in written.items()})


def _split(key: str) -> tuple[str | None, str]:
    """(`80`, `name`) of `80_name`; the number is compared as text, as the old program did."""
    match = _PORT.fullmatch(key)
    return (match[1], match[2]) if match else (None, key)
