"""What `x-deployer: {ignore: [...]}` may name: fields in compose's words, and where the engine keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.model.spec import CONTAINER, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

IGNORABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "replicas": ("Mode.Replicated.Replicas",),
    "image": (f"{CONTAINER}.Image",),
    "command": (f"{CONTAINER}.Args",),
    "entrypoint": (f"{CONTAINER}.Command",),
    "environment": (f"{CONTAINER}.Env",),
    "labels": (f"{CONTAINER}.Labels",),
    "deploy.labels": ("Labels",),
    "placement": (f"{TEMPLATE}.Placement",),
    "resources": (f"{TEMPLATE}.Resources",),
    "restart_policy": (f"{TEMPLATE}.RestartPolicy",),
    "update_config": ("UpdateConfig",),
    "rollback_config": ("RollbackConfig",),
    "endpoint_mode": ("EndpointSpec.Mode",),
    "ports": ("EndpointSpec.Ports",),
    "networks": (f"{TEMPLATE}.Networks",),
    "volumes": (f"{CONTAINER}.Mounts",),
    "configs": (f"{CONTAINER}.Configs",),
    "secrets": (f"{CONTAINER}.Secrets",),
    "healthcheck": (f"{CONTAINER}.Healthcheck",),
    "logging": (f"{TEMPLATE}.LogDriver",),
    "user": (f"{CONTAINER}.User",),
    "working_dir": (f"{CONTAINER}.Dir",),
    "hostname": (f"{CONTAINER}.Hostname",),
    "dns": (f"{CONTAINER}.DNSConfig",),
    "extra_hosts": (f"{CONTAINER}.Hosts",),
    "cap_add": (f"{CONTAINER}.CapabilityAdd",),
    "cap_drop": (f"{CONTAINER}.CapabilityDrop",),
    "sysctls": (f"{CONTAINER}.Sysctls",),
    "ulimits": (f"{CONTAINER}.Ulimits",),
    "init": (f"{CONTAINER}.Init",),
    "read_only": (f"{CONTAINER}.ReadOnly",),
    "stop_signal": (f"{CONTAINER}.StopSignal",),
    "stop_grace_period": (f"{CONTAINER}.StopGracePeriod",),
}

WITH_ELEMENTS: Final = ("deploy.labels", "environment", "labels", "sysctls")
"""Of these one entry may be named, too: `environment.DEBUG`."""


def split(text: str, services: Collection[str]) -> tuple[str, str]:
    """(service, field) of `web.replicas`; the service is empty where it is meant for all of them."""
    for service in sorted(services, key=len, reverse=True):
        if text.startswith(f"{service}."):
            return service, text[len(service) + 1 :]
    return "", text


def places(field: str) -> tuple[str, ...]:
    """Where the engine keeps a field; empty where there is no field of that name."""
    if field in IGNORABLE:
        return IGNORABLE[field]
    for word in WITH_ELEMENTS:
        if field.startswith(f"{word}.") and len(field) > len(word) + 1:
            return tuple(f"{place}.{field[len(word) + 1 :]}" for place in IGNORABLE[word])
    return ()


def list_ignored(texts: Iterable[str], service: str, services: Collection[str]) -> tuple[str, ...]:
    """The places that are ignored in one service of a stack whose services (by their short names) these are."""
    named = [split(text, services) for text in texts]
    return tuple(place for owner, field in named if owner in {"", service} for place in places(field))


def covers(place: str, path: str) -> bool:
    """Whether the field at `path` is the one at `place`, or below it."""
    return path == place or path.startswith((f"{place}.", f"{place}["))
