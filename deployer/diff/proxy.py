"""The proxy: it joins the networks of the services that it is to reach, and says which it cannot reach. Pure.

A service says by VIRTUAL_HOST, a variable or a label, under which names it is to be reached (nginx-proxy's convention). The proxy
finds it only on a network that both are on. Which those are follows from the files alone, so the plan shows them, and
they come and go with the services.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from deployer.diff.seen import PREDEFINED
from deployer.model.spec import ServiceSpec
from deployer.model.status import VirtualHost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.diff.seen import Seen
    from deployer.model.cluster import Cluster
    from deployer.model.observed import LiveService
    from deployer.model.stack import Body, StackObjects

VIRTUAL_HOST: Final = "VIRTUAL_HOST"


def with_proxy(cluster: Cluster, objects: Sequence[StackObjects]) -> tuple[StackObjects, ...]:
    """The stacks with the proxy's service on every network of a service that has a VIRTUAL_HOST; as they are without a proxy."""
    if cluster.proxy is None:
        return tuple(objects)
    name = cluster.proxy.name
    wanted = sorted({network for _, body, _ in _hosts(objects) for network in ServiceSpec(body).networks} - PREDEFINED)
    return tuple(
        replace(stack, services=tuple(_join(body, wanted) if body["Name"] == name else body for body in stack.services))
        for stack in objects
    )


def virtual_hosts(cluster: Cluster, objects: Sequence[StackObjects], seen: Seen) -> tuple[VirtualHost, ...]:
    """Every VIRTUAL_HOST, and why the proxy cannot reach it, where that is so. None without a proxy."""
    if cluster.proxy is None:
        return ()
    proxy = seen.services.get(cluster.proxy.name)
    return tuple(
        VirtualHost(host, str(body["Name"]), _obstacle(cluster.proxy.name, proxy, body, seen))
        for host, body, _ in sorted(_hosts(objects), key=lambda one: (one[0], str(one[1]["Name"])))
    )


def _obstacle(name: str, proxy: LiveService | None, body: Body, seen: Seen) -> str:
    service = seen.services.get(str(body["Name"]))
    if proxy is None:
        return f"the proxy, {name}, is not there"
    if not proxy.running:
        return f"no task of the proxy, {name}, runs"
    if service is None:
        return "the service is not there"
    if not service.running:
        return f"0 of its {service.wanted} tasks run" if service.wanted else "its count is 0"
    names = [
        {seen.networks.get(network, network) for network in ServiceSpec(one.spec).networks} for one in (proxy, service)
    ]
    if service.name != proxy.name and not names[0] & names[1]:
        where = ", ".join(sorted(names[1] & set(seen.networks.values())))
        return f"{name} is not on {where}" if where else "it is on no network of the swarm"
    return ""


def _hosts(objects: Sequence[StackObjects]) -> list[tuple[str, Body, str]]:
    """(host, service, stack), as the files say it; one service may have several, separated by commas."""
    return [
        (host.strip(), body, stack.stack)
        for stack in objects
        for body in stack.services
        for host in virtual_host(body).split(",")
        if host.strip()
    ]


def virtual_host(body: Mapping[str, Any]) -> str:
    """The variable's value, else that of the label on the container or on the service; empty where there is none."""
    spec = ServiceSpec(body)
    for entry in spec.env:
        key, equals, value = str(entry).partition("=")
        if key == VIRTUAL_HOST and equals:
            return value
    return str(spec.labels.get(VIRTUAL_HOST) or spec.service_labels.get(VIRTUAL_HOST) or "")


def _join(body: Body, wanted: Sequence[str]) -> Body:
    spec = ServiceSpec(body)
    own = set(spec.networks)
    if own & PREDEFINED:
        return body  # on its machine's own network: it can be on no other
    joined = [*spec.attachments, *({"Target": network} for network in wanted if network not in own)]
    return spec.with_template({**spec.template, "Networks": joined}).raw
