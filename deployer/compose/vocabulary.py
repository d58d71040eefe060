"""The keys that compose knows, by place, for "did you mean" (compose-spec.json of compose 5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.compose.service import RULES
from deployer.model.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.compose.rules import Path

_UPDATE: Final = "parallelism delay failure_action monitor max_failure_ratio order"
_CONTENT: Final = "name content environment external file labels template_driver"
_KEYS: Final[Mapping[tuple[str, ...], str]] = {
    (): "version name include services networks volumes secrets configs models",
    ("services", "*"): " ".join(RULES),
    ("services", "*", "build"): "context dockerfile dockerfile_inline args target labels network platforms secrets ssh tags",
    ("services", "*", "credential_spec"): "config file registry",
    ("services", "*", "depends_on", "*"): "condition required restart",
    ("services", "*", "deploy"): "mode endpoint_mode replicas labels rollback_config update_config resources restart_policy placement",
    ("services", "*", "deploy", "placement"): "constraints preferences max_replicas_per_node",
    ("services", "*", "deploy", "resources"): "limits reservations",
    ("services", "*", "deploy", "resources", "limits"): "cpus memory pids",
    ("services", "*", "deploy", "resources", "reservations"): "cpus memory generic_resources devices",
    ("services", "*", "deploy", "restart_policy"): "condition delay max_attempts window",
    ("services", "*", "deploy", "rollback_config"): _UPDATE,
    ("services", "*", "deploy", "update_config"): _UPDATE,
    ("services", "*", "extends"): "service file",
    ("services", "*", "healthcheck"): "disable interval retries test timeout start_period start_interval",
    ("services", "*", "logging"): "driver options",
    ("services", "*", "networks", "*"): "aliases driver_opts ipv4_address ipv6_address link_local_ips mac_address priority",
    ("services", "*", "ports", "*"): "name mode host_ip target published protocol app_protocol",
    ("services", "*", "configs", "*"): "source target uid gid mode",
    ("services", "*", "secrets", "*"): "source target uid gid mode",
    ("services", "*", "volumes", "*"): "type source target read_only consistency bind volume tmpfs image",
    ("services", "*", "volumes", "*", "bind"): "propagation create_host_path recursive selinux",
    ("services", "*", "volumes", "*", "tmpfs"): "size mode",
    ("services", "*", "volumes", "*", "volume"): "nocopy subpath labels",
    ("networks", "*"): "name driver driver_opts ipam external internal enable_ipv4 enable_ipv6 attachable labels",
    ("networks", "*", "ipam"): "driver config options",
    ("networks", "*", "ipam", "config", "*"): "subnet ip_range gateway aux_addresses",
    ("volumes", "*"): "name driver driver_opts external labels",
    ("configs", "*"): _CONTENT,
    ("secrets", "*"): _CONTENT + " driver driver_opts",
    ("include", "*"): "path env_file project_directory",
}  # fmt: skip


TOP_KEYS: Final = frozenset(_KEYS[()].split())
SERVICE_KEYS: Final = frozenset(RULES) | {"build"}
"""A key that compose gets after these were written may make it open a file: nothing else is handed to it."""


def unknown_key(at: Path, word: str) -> tuple[str, str]:
    """Message and help."""
    place = f" in {'.'.join(map(str, at))}" if at else ""
    if word in _known(at):
        return f"{word!r}{place} is newer than Docker's compose plugin here", "update the plugin, or remove the key"
    return f"unknown key {word!r}{place}", advice(at, word)


def advice(at: Path, word: str) -> str:
    """`did you mean 'replicas'?` for a key that is not known at this place, or nothing."""
    return did_you_mean(word, _known(at))


def _known(at: Path) -> list[str]:
    """The keys of this place; none where any key may stand."""
    for pattern, keys in _KEYS.items():
        if len(pattern) == len(at) and all(step in ("*", given) for step, given in zip(pattern, at, strict=True)):
            return keys.split()
    return []
