"""Make a sandbox's network where it is not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import docker

from deployer.errors import UsageError
from deployer.sandbox import addresses, bodies, observe

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Network

    from docker import DockerClient

    from deployer.sandbox.spec import SandboxSpec

ROUTES = Path("/proc/net/route")


def ensure_network(client: DockerClient, spec: SandboxSpec, say: Callable[[str], None]) -> IPv4Network:
    """The subnet that the sandbox is on; raises UsageError where `spec` asks for another one than is there, or for a taken one."""
    present = observe.subnet_of(client, spec.name)
    if present is not None:
        if spec.subnet is not None and addresses.parse_subnet(spec.subnet) != present:
            raise UsageError(
                f"the sandbox {spec.name} is on {present}, not on {spec.subnet}",
                help=f"deployer sandbox down --name {spec.name}",
            )
        return present
    used = list(addresses.parse_routes(ROUTES.read_text(encoding="ascii")))
    while True:
        subnet = addresses.choose_subnet(spec.subnet, [*used, *addresses.parse_networks(client.api.networks())])
        try:
            client.api.create_network(**bodies.network(spec.name, subnet))
        except docker.errors.APIError as error:
            # Another sandbox took it a moment ago, or it is in use in a way that neither list shows.
            if spec.subnet is not None or "overlap" not in str(error.explanation):
                raise
            used.append(subnet)
        else:
            say(f"network: {subnet}")
            return subnet
