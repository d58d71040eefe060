"""The address at which a port of a container is reached. Pure. The rules are those of gliderlabs.github.io/registrator/latest/user/services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.model.address import WILDCARDS

if TYPE_CHECKING:
    from deployer.registrator.container import Binding, Container, Port
    from deployer.registrator.flags import Options
    from deployer.registrator.metadata import Settings

_INGRESS: Final = frozenset({"ingress", "docker_gwbridge"})
"""Swarm's own networks: nobody else's clients are on them."""


@dataclass(frozen=True)
class Host:
    """The machine: its name in service ids, the address of published ports, the engine's own id."""

    name: str
    address: str
    engine: str


class NoAddressError(ValueError):
    """There is no address to register. The message says why."""


def published(port: Port) -> tuple[Binding, ...]:
    """The bindings of a port, those that say the same once.

    An engine that knows IPv6 binds each port twice, to 0.0.0.0 and to ::; that is one place, the host.
    """
    found: dict[tuple[str, int], Binding] = {}
    for binding in port.bindings:
        place = "" if binding.address in WILDCARDS else binding.address
        found.setdefault((place, binding.port), binding)
    return tuple(found.values())


def host_address(binding: Binding, host: Host, options: Options) -> str:
    """The address of a published port: -ip, else the binding's own, else the host's."""
    if options.ip:
        return options.ip
    return host.address if binding.address in WILDCARDS else binding.address


def container_address(container: Container, settings: Settings, options: Options) -> str:
    """The container's own address. Raises NoAddressError.

    SERVICE_NETWORK or -network names the network. Else the default bridge; else the first by name. The old program took any
    (Go's map order), so any order is as good, and one that stays is better. Swarm's own networks come last.
    """
    name = settings.get("network") or options.network
    if settings.get("network") or (options.network and any(one.name == name for one in container.networks)):
        chosen = [one for one in container.networks if one.name == name]
        if not chosen:
            raise NoAddressError(f"it is not on the network {name!r}")
    else:
        chosen = sorted(container.networks, key=lambda one: (one.name in _INGRESS, one.name != "bridge", one.name))
    for network in chosen:
        if network.any_address:
            return network.any_address
    raise NoAddressError("it has no address on a network")


def label_address(container: Container, options: Options) -> str:
    """What the label named by -useIpFromLabel says, up to its last slash; empty where there is none."""
    value = container.labels.get(options.useIpFromLabel, "") if options.useIpFromLabel else ""
    before, slash, _ = value.rpartition("/")
    return before if slash else value
