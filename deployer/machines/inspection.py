"""A machine as git says it in, the document of `inspect` out: docker-machine's config.json where that means something."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from deployer.errors import UsageError
from deployer.machines.addresses import public_address
from deployer.machines.endpoint import endpoint
from deployer.machines.listed import driver
from deployer.template.text import TemplateError, fill, read_template

if TYPE_CHECKING:
    from deployer.model.cluster import Node

CONFIG_VERSION: Final = 3
"""docker-machine's, of the form that the names here are from."""


def inspect_machine(node: Node, form: str | None) -> str:
    """The whole document in docker-machine's indentation, or what the template makes of it."""
    found = document(node)
    if form is None:
        return json.dumps(found, indent=4, ensure_ascii=True)
    try:
        return fill(read_template(form, "--format"), found)
    except TemplateError as error:
        raise UsageError(str(error), help=f"fields are .{', .'.join(found)}") from None


def document(node: Node) -> dict[str, Any]:
    """`Driver`, `HostOptions` and `Name` as docker-machine had them; `Deployer` is what it had no word for."""
    daemon = node.engine.daemon
    return {
        "ConfigVersion": CONFIG_VERSION,
        "Driver": {
            "IPAddress": public_address(node),
            "MachineName": node.name,
            "SSHUser": node.ssh.user or "",
            "SSHPort": node.ssh.port or 22,
            "SSHKeyPath": node.ssh.identity_file or "",
        },
        "DriverName": driver(node),
        "HostOptions": {
            "EngineOptions": {
                "ArbitraryFlags": sorted(
                    f"{key}={value}" for key, value in daemon.items() if isinstance(value, str | int)
                ),
                "InsecureRegistry": daemon.get("insecure-registries") or [],
                "Labels": daemon.get("labels") or [],
                "RegistryMirror": daemon.get("registry-mirrors") or [],
            },
            "SwarmOptions": {"IsSwarm": node.role != "none", "Master": node.role == "manager"},
        },
        "Name": node.name,
        "Deployer": {
            "Address": node.address,
            "Advertise": node.advertise or "",
            "Availability": node.availability,
            "Consul": node.consul or "",
            "Engine": structs.asdict(node.engine),
            "File": node.path,
            "Labels": dict(node.labels),
            "Role": node.role,
            "URL": endpoint(node),
        },
    }
