"""The bodies of the engine's create requests for a sandbox (Engine API, /containers/create). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.sandbox.labels import (
    IMAGE_LABEL,
    LABEL,
    MACHINE_LABEL,
    REGISTRY_ALIAS,
    REGISTRY_PORT,
    REGISTRY_VOLUME,
    network_name,
)

if TYPE_CHECKING:
    from ipaddress import IPv4Network


def machine(sandbox: str, name: str, address: str, image: str) -> dict[str, Any]:
    """The container of machine `name`: boots systemd, may do all that a machine may, and has a disk of its own for Docker."""
    return {
        "Image": image,
        "Hostname": name,
        "Labels": {LABEL: sandbox, MACHINE_LABEL: name},
        # overlayfs does not stack: what engines keep must lie on a real file system
        "Volumes": {"/var/lib/docker": {}, "/var/lib/containerd": {}},
        "HostConfig": {
            "Privileged": True,
            "CgroupnsMode": "private",
            # exec: runc and package scripts run programs there
            "Tmpfs": {"/run": "exec,mode=0755", "/tmp": "exec,mode=1777"},  # noqa: S108 - the machine's, not ours
            "RestartPolicy": {"Name": "unless-stopped"},  # so that `reboot` in the machine is one
            "NetworkMode": network_name(sandbox),
        },
        "NetworkingConfig": {"EndpointsConfig": {network_name(sandbox): _endpoint(address, name)}},
    }


def registry(sandbox: str, address: str, image: str) -> dict[str, Any]:
    """The registry's container: known to the machines as registry.sandbox, to this machine as 127.0.0.1 at a free port."""
    port = f"{REGISTRY_PORT}/tcp"
    return {
        "Image": image,
        "Hostname": "registry",
        "Labels": {LABEL: sandbox},
        "ExposedPorts": {port: {}},
        "HostConfig": {
            "RestartPolicy": {"Name": "unless-stopped"},
            "PortBindings": {port: [{"HostIp": "127.0.0.1", "HostPort": ""}]},
            "Mounts": [
                {
                    "Type": "volume",
                    "Source": REGISTRY_VOLUME,
                    "Target": "/var/lib/docker-registry",
                    "VolumeOptions": {"Labels": {IMAGE_LABEL: "registry"}},
                }
            ],
            "NetworkMode": network_name(sandbox),
        },
        "NetworkingConfig": {"EndpointsConfig": {network_name(sandbox): _endpoint(address, REGISTRY_ALIAS)}},
    }


def network(sandbox: str, subnet: IPv4Network) -> dict[str, Any]:
    """The bridge that the machines share, as arguments of create_network.

    Its packets have 1500 bytes whatever the host's way out has, so that an overlay's 1450 and their wrapping fit.
    """
    return {
        "name": network_name(sandbox),
        "driver": "bridge",
        "labels": {LABEL: sandbox},
        "ipam": {"Config": [{"Subnet": str(subnet), "Gateway": str(subnet.network_address + 1)}]},
        "options": {"com.docker.network.driver.mtu": "1500"},
    }


def _endpoint(address: str, alias: str) -> dict[str, Any]:
    return {"IPAMConfig": {"IPv4Address": address}, "Aliases": [alias]}
