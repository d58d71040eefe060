"""The catalogue's services with their health, in as many requests as there are machines, and two."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from deployer.consul.catalogue import Catalogue, ConsulError, segment
from deployer.model.services import Check, Instance
from deployer.remote.together import together

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.model.services import CheckStatus

STATUSES: Final[dict[object, CheckStatus]] = {"passing": "passing", "warning": "warning"}
"""Everything else is critical, a state that nobody has heard of too."""
LONGEST_OUTPUT: Final = 300


class ServiceCatalogue(Catalogue):
    """Services and checks of a Consul. Raises ConsulError, ConnectionFailedError, or TimedOutError."""

    async def instances(self) -> tuple[Instance, ...]:
        """Every instance of every service, sorted.

        Consul has no request for all of them. By machine, as there are few machines and many services: a listing and all
        checks at once, then `/v1/catalog/node/NAME` for each, side by side over the one connection. A machine whose name no
        request may hold was not registered by deployer, nor by an agent of it, and is left out.
        """
        async with together() as group:
            nodes = group.create_task(self.nodes())
            checks = group.create_task(self._ask(self._api.health.state("any")))
        async with together() as group:
            told = {
                name: group.create_task(self._ask(self._api.catalog.node(segment(name))))
                for name in sorted({node["Node"] for node in nodes.result()})
                if _may_be_asked_for(name)
            }
        try:
            health = _by_instance(checks.result()[1])
            machines = {node["Address"]: node["Node"] for node in nodes.result()}
            listed = [
                instance for name, task in told.items() for instance in _of(name, task.result()[1], machines, health)
            ]
        except (ValueError, TypeError, AttributeError, LookupError):
            raise ConsulError("Consul: what it says of its services is none") from None
        return tuple(sorted(listed, key=_place))


def _may_be_asked_for(node: str) -> bool:
    try:
        segment(node)
    except ConsulError:
        return False
    return True


Health = dict[tuple[str, str], list[Check]]
"""(machine, service id) -> checks; those of the machine itself under the empty id."""


def _by_instance(told: list[Mapping[str, Any]]) -> Health:
    found: Health = {}
    for entry in told:
        check = Check(
            str(entry["Name"] or entry["CheckID"]),
            STATUSES.get(entry["Status"], "critical"),
            str(entry.get("Output") or "").strip()[:LONGEST_OUTPUT],
        )
        found.setdefault((entry["Node"], entry.get("ServiceID") or ""), []).append(check)
    return found


def _of(node: str, told: Mapping[str, Any] | None, machines: Mapping[str, str], health: Health) -> Iterator[Instance]:
    """The instances that are registered on that machine; None is one that left in between."""
    if told is None:
        return
    for service in (told["Services"] or {}).values():
        address = str(service.get("Address") or told["Node"]["Address"])
        checks = [*health.get((node, ""), []), *health.get((node, service["ID"]), [])]
        yield Instance(
            service=str(service["Service"]),
            id=str(service["ID"]),
            address=address,
            port=int(service.get("Port") or 0),
            machine=str(machines.get(address, node)),
            node=node,
            tags=tuple(str(tag) for tag in service.get("Tags") or ()),
            checks=tuple(checks),
        )


def _place(instance: Instance) -> tuple[Any, ...]:
    try:
        address = (0, ip_address(instance.address).packed)
    except ValueError:
        address = (1, instance.address.encode())
    return instance.service, instance.machine, address, instance.port, instance.node, instance.id
