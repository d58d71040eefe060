"""Read what the engine says of a container. Pure.

Only fields that every API version from 1.40 on has: 1.52 took `NetworkSettings.IPAddress` away, which `Networks` replaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.model.address import ANY_IPV4

if TYPE_CHECKING:
    from collections.abc import Mapping

STOP_SECONDS: Final = 10
"""How long `docker stop` waits where the container does not say (docs.docker.com, container stop)."""
LONGEST_STOP: Final = 86400
"""Seconds; a container may ask for more, and nobody waits for it."""
_NOT_UNDERSTOOD: Final = (AttributeError, TypeError, ValueError, LookupError, OverflowError)
_NAMES: Final = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP",
)  # fmt: skip
_SIGNALS: Final = {name: number for number, name in enumerate(_NAMES, 1)}
"""Linux's own numbers: the containers', whatever this program runs on."""
LAST_PORT: Final = 65535
_TERM: Final = 15
_RTMIN: Final = 34


@dataclass(frozen=True)
class Binding:
    """Where a port is published: the host's address (may be a wildcard) and port."""

    address: str
    port: int


@dataclass(frozen=True)
class Port:
    number: int
    protocol: str
    bindings: tuple[Binding, ...] = ()
    """Empty: exposed, not published."""


@dataclass(frozen=True)
class Network:
    name: str
    address: str = ""
    address6: str = ""

    @property
    def any_address(self) -> str:
        return self.address or self.address6


@dataclass(frozen=True)
class Container:
    id: str
    name: str
    image: str
    env: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    networks: tuple[Network, ...] = ()
    network_mode: str = "default"
    live: bool = True
    """Its process runs: not paused, not between two restarts."""
    paused: bool = False
    exit_code: int = 0
    health: str = ""
    """starting, healthy, unhealthy; empty without a HEALTHCHECK."""
    stop_signal: int = _TERM
    stop_seconds: int = STOP_SECONDS
    node: str = ""
    """The Swarm node that it runs on, where that is not this machine."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The whole answer: what templates see."""

    @property
    def short_id(self) -> str:
        return self.id[:12]

    @property
    def swarm_task(self) -> bool:
        return "com.docker.swarm.task.id" in self.labels


class NoContainerError(ValueError):
    """What an engine says of a container has another form than any engine's."""


def read_container(told: Mapping[str, Any]) -> Container:
    """A Container of `/containers/ID/json`. Raises NoContainerError."""
    try:
        return _read(told)
    except _NOT_UNDERSTOOD:
        raise NoContainerError("what the engine says of it has another form than a container's") from None


def _read(told: Mapping[str, Any]) -> Container:
    config: Mapping[str, Any] = told.get("Config") or {}
    state: Mapping[str, Any] = told.get("State") or {}
    mode = str((told.get("HostConfig") or {}).get("NetworkMode") or "default")
    running = bool(state.get("Running")) and not state.get("Restarting") and not state.get("Dead")
    health = str((state.get("Health") or {}).get("Status") or "")
    return Container(
        id=str(told.get("Id", "")),
        name=str(told.get("Name", "")).removeprefix("/"),
        image=str(config.get("Image") or ""),
        env=tuple(map(str, config.get("Env") or ())),
        labels={str(key): str(value) for key, value in (config.get("Labels") or {}).items()},
        ports=_ports(config, told.get("NetworkSettings") or {}, mode),
        networks=_networks(told.get("NetworkSettings") or {}),
        network_mode=mode,
        live=running and not state.get("Paused"),
        paused=bool(state.get("Paused")),
        exit_code=int(state.get("ExitCode") or 0),
        health="" if health == "none" else health,
        stop_signal=read_signal(str(config.get("StopSignal") or "")) or _TERM,
        stop_seconds=min(
            STOP_SECONDS if config.get("StopTimeout") is None else int(config["StopTimeout"]), LONGEST_STOP
        ),
        raw=told,
    )


def read_signal(text: str) -> int:
    """The number of `15`, `TERM`, `SIGTERM`, `SIGRTMIN+3`; 0 where it is none."""
    if re.fullmatch(r"[0-9]{1,3}", text, re.ASCII):
        return int(text)
    name = text.upper().removeprefix("SIG")
    if match := re.fullmatch(r"RTMIN(?:\+(\d{1,2}))?", name, re.ASCII):
        return _RTMIN + int(match[1] or 0)
    return _SIGNALS.get(name, 0)


def _ports(config: Mapping[str, Any], settings: Mapping[str, Any], mode: str) -> tuple[Port, ...]:
    """The exposed ports, overlaid by what the engine published, sorted.

    A container that shares the host's or another container's network publishes each exposed port by having it.
    """
    shares = mode == "host" or mode.startswith("container:")
    found: dict[tuple[int, str], Port] = {}
    for key in config.get("ExposedPorts") or {}:
        if at := _key(str(key)):
            found[at] = Port(*at, (Binding(ANY_IPV4, at[0]),) if shares else ())
    for key, bindings in (settings.get("Ports") or {}).items():
        if at := _key(str(key)):
            found[at] = Port(*at, tuple(binding for one in bindings or () if (binding := _binding(one))))
    return tuple(found[at] for at in sorted(found))


def _key(text: str) -> tuple[int, str] | None:
    match = re.fullmatch(r"([0-9]{1,5})(?:/([a-z]{1,8}))?", text, re.ASCII)
    return (int(match[1]), match[2] or "tcp") if match and 0 < int(match[1]) <= LAST_PORT else None


def _binding(told: Mapping[str, Any]) -> Binding | None:
    """None where there is no port, or none that can be."""
    at = _key(str(told.get("HostPort", "")))
    return Binding(str(told.get("HostIp") or ANY_IPV4), at[0]) if at else None


def _networks(settings: Mapping[str, Any]) -> tuple[Network, ...]:
    networks = {
        str(name): Network(str(name), str(told.get("IPAddress") or ""), str(told.get("GlobalIPv6Address") or ""))
        for name, told in (settings.get("Networks") or {}).items()
    }
    return tuple(networks[name] for name in sorted(networks))
