"""Warnings of overlay networks whose packets are larger than what some machine can send.

An overlay network takes 1500 bytes for granted, whatever its machines' interfaces carry, and takes what its own envelope needs off
that (libnetwork, drivers/overlay, maxMTU). Over a VPN or in some clouds there are fewer: small packets arrive, large
ones do not, and connections hang.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.diff.change import Warned
from deployer.diff.machines import advertise_address
from deployer.model.observed import Machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.cluster import Cluster
    from deployer.model.observed import Observed
    from deployer.model.stack import Body, StackObjects

OPTION: Final = "com.docker.network.driver.mtu"
TAKEN_FOR_GRANTED: Final = 1500
_NAMED: Final = 3
"""Networks that are named: with as many stacks as machines of a cloud can carry, all of them would be the whole plan."""


def small_packets(cluster: Cluster, compiled: Sequence[StackObjects], observed: Observed) -> tuple[Warned, ...]:
    """A warning of all overlay networks of the stacks that are too large for a machine of the swarm.

    None where there is one machine: nothing is sent between machines then.
    """
    small = _smallest(cluster, observed)
    if small is None or sum(node.role != "none" for node in cluster.nodes) < 2:
        return ()
    mtu, machine, interface = small
    large = sorted(
        str(network["Name"])
        for stack in compiled
        for network in stack.networks
        if network.get("Driver", "overlay") == "overlay" and _size(network) > mtu
    )
    if not large:
        return ()
    more = f" and {len(large) - _NAMED} more" if len(large) > _NAMED else ""
    return (
        Warned(
            f"network{'s' if large[1:] else ''} {', '.join(large[:_NAMED])}{more}",
            f"{interface} of {machine} carries packets of {mtu} bytes, and an overlay network's have up to {TAKEN_FOR_GRANTED}: "
            "large ones get lost",
            f'say so in its file: driver_opts: {{{OPTION}: "{mtu}"}}',
        ),
    )


def _smallest(cluster: Cluster, observed: Observed) -> tuple[int, str, str] | None:
    """The smallest MTU of what members reach each other by, with the machine and the interface; None where all carry 1500."""
    found: list[tuple[int, str, str]] = []
    for node in cluster.nodes:
        machine = observed.machines.get(node.name)
        if node.role == "none" or not isinstance(machine, Machine):
            continue
        address = advertise_address(node, machine)
        interfaces = {interface for interface, one in machine.interfaces if one == address}
        found += [(mtu, node.name, interface) for interface, mtu in machine.small_mtus if interface in interfaces]
    return min(found, default=None)


def _size(network: Body) -> int:
    """What the network takes for granted; an option that is no number is the engine's to refuse."""
    option = str((network.get("Options") or {}).get(OPTION, TAKEN_FOR_GRANTED))
    return int(option) if option.isascii() and option.isdecimal() else TAKEN_FOR_GRANTED
