"""A container in, its services out. Pure (REGISTRATOR.md, 2 and 3)."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from deployer.registrator import checks
from deployer.registrator.metadata import Settings, pairs, settings_of, stray_ports
from deployer.registrator.network import (
    Host,
    NoAddressError,
    container_address,
    host_address,
    label_address,
    published,
)
from deployer.registrator.tags import combine_tags
from deployer.template.text import TemplateError, fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.registrator.container import Binding, Container, Port
    from deployer.registrator.flags import Options

ENGINE: Final = "registrator-engine"
"""The ownership mark: the id of the engine whose registrator made the entry. It outlives changed host names and custom ids."""
OWNER: Final = "registrator-container"
"""The container (or `task:ID`) that the entry stands for."""
HASH: Final = "registrator-hash"
"""Hash of the registration without its status: an entry with the same hash needs no writing."""
META_LIMIT: Final = 64
META_VALUE_LIMIT: Final = 512
"""Consul's limits (agent/structs, ValidateServiceMetadata)."""
_META_KEY: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
_DNS_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_NOT_META: Final = frozenset({"id", "name", "tags", "ignore", "network"})


@dataclass(frozen=True)
class Service:
    id: str
    name: str
    address: str
    port: int
    owner: str
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    check: Mapping[str, Any] | None = None
    status: str = ""
    """passing or critical where Docker's health feeds the check; empty where Consul finds out by itself."""

    @property
    def hash(self) -> str:
        """Of everything but the status, which changes without a new registration."""
        check = {key: value for key, value in (self.check or {}).items() if not (self.status and key == "Status")}
        body = [self.id, self.name, self.address, self.port, self.owner, self.tags, dict(self.meta), check]
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Found:
    """What is to be registered, and what somebody should know, one sentence each."""

    services: tuple[Service, ...] = ()
    notes: tuple[str, ...] = ()


def services(container: Container, peer: Container | None, host: Host, options: Options) -> Found:
    """The services of a container that runs. `peer` is the container whose network it shares, if it does.

    What cannot be registered whole is not registered at all, and a note says why.
    """
    if options.health == "register" and container.health not in {"", "healthy"}:
        return Found()
    made: dict[str, Service] = {}
    notes = [f"{key} is for a port that it does not have" for key in _stray(container)]
    if not container.ports:
        notes.append("no published ports")
    kept = [port for port in container.ports if options.internal or port.bindings]
    notes += [f"port {port.number} not published on host" for port in container.ports if port not in kept]
    for port in kept:
        settings = settings_of(container, port.number)
        if settings.get("ignore") or (options.explicit and not settings.get("name")):
            notes.append(f"service on port {port.number} ignored")
            continue
        notes += checks.unknown_checks(settings)
        try:
            for service in _of_port(container, peer, port, settings, host, options, group=len(kept) > 1):
                if service.id in made:
                    notes.append(
                        f"port {port.number}: the id {service.id} is taken by its port {made[service.id].port}"
                    )
                else:
                    made[service.id] = service
                    notes += _about(service, settings)
        except (NoAddressError, TemplateError, checks.BadCheckError) as error:
            notes.append(f"port {port.number} not registered: {error}")
    return Found(tuple(made.values()), tuple(dict.fromkeys(notes)))


def default_name(image: str) -> str:
    """The last part of an image's name, without its tag (Go's path.Base, then up to the first colon)."""
    return (image.rstrip("/").rpartition("/")[2] or ("/" if image else ".")).partition(":")[0]


def named(settings: Settings, image: str, port: int, *, group: bool) -> str:
    """The service's name: SERVICE_x_NAME, SERVICE_NAME, the image's; the last two with the port where there are several."""
    name = settings.get("name") or default_name(image)
    return f"{name}-{port}" if group and "name" not in settings.own else name


def meta_of(settings: Settings, marks: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The attributes that Consul takes, with our marks; and the names of those that it would refuse."""
    wanted = {
        key: value
        for key, value in sorted(settings.values.items())
        if key not in _NOT_META and not key.startswith("check_")
    }
    fit = {
        key: value
        for key, value in wanted.items()
        if _META_KEY.fullmatch(key) and not key.startswith("consul-") and len(value.encode()) <= META_VALUE_LIMIT
    }
    room = META_LIMIT - len(marks) - 1  # the hash comes later
    fit = dict(list(fit.items())[:room])
    return {**fit, **marks}, tuple(key for key in wanted if key not in fit)


def _stray(container: Container) -> tuple[str, ...]:
    return stray_ports(pairs(container), (port.number for port in container.ports)) if container.ports else ()


def _of_port(
    container: Container,
    peer: Container | None,
    port: Port,
    settings: Settings,
    host: Host,
    options: Options,
    *,
    group: bool,
) -> Iterator[Service]:
    """One service for each place at which the port is reached; the first has the id that it always had."""
    udp = port.protocol == "udp"
    extra = fill(options.tags, container.raw)
    tags = combine_tags(settings.get("tags"), extra, *(["udp"] if udp else []))
    identity = settings.get("id") or f"{host.name}:{container.name}:{port.number}{':udp' if udp else ''}"
    marks = {**_swarm_marks(container, host), ENGINE: host.engine, OWNER: container.id}
    meta, _ = meta_of(settings, marks)
    places: tuple[Binding | None, ...] = (None,) if options.internal else published(port)
    for index, binding in enumerate(places):
        address = _address(container, peer, binding, settings, host, options)
        number = port.number if binding is None else binding.port
        suffix = f":{binding.address}-{binding.port}" if index and binding else ""
        target = checks.Target(address, number, container.id, port.number)
        service = Service(
            id=identity + suffix,
            name=named(settings, container.image, port.number, group=group),
            address=address,
            port=number,
            owner=container.id,
            tags=tags,
            meta=meta,
            check=checks.read_check(settings, target),
        )
        yield _with_health(service, container, options)


def _with_health(service: Service, container: Container, options: Options) -> Service:
    """Docker's own HEALTHCHECK as the service's check, unless the container asks Consul for another."""
    if service.check is not None or options.health != "check" or not container.health:
        return service
    check = checks.health_check(service.id, container.health)
    return replace(service, check=check, status=check["Status"])


def _address(
    container: Container,
    peer: Container | None,
    binding: Binding | None,
    settings: Settings,
    host: Host,
    options: Options,
) -> str:
    """By rising precedence, as the old program had it: the binding's or container's own, the label's, the peer's."""
    if container.network_mode.startswith("container:"):
        if peer is None:
            raise NoAddressError("the container whose network it shares is gone")
        return host.address if peer.network_mode == "host" else container_address(peer, settings, options)
    if told := label_address(container, options):
        return told
    if binding is not None:
        return host_address(binding, host, options)
    if container.network_mode == "host":
        return options.ip or host.address
    return container_address(container, settings, options)


def _swarm_marks(container: Container, host: Host) -> dict[str, str]:
    """Service, slot and node of a Swarm task, from the labels that Swarm gives its containers."""
    if not container.swarm_task:
        return {}
    service = container.labels.get("com.docker.swarm.service.name", "")
    task = container.labels.get("com.docker.swarm.task.name", "")
    slot = task.removeprefix(service + ".").partition(".")[0]
    marks = {
        "swarm-service": service,
        "swarm-node": container.node or host.name,
        "swarm-task": container.labels["com.docker.swarm.task.id"],
    }
    return {**marks, "swarm-slot": slot} if slot.isdigit() else marks  # a global service's tasks have no slot


def _about(service: Service, settings: Settings) -> list[str]:
    notes = [f"Consul takes no Meta named {key!r} or of its length" for key in meta_of(settings, {})[1]]
    if not _DNS_LABEL.fullmatch(service.name):
        notes.append(f"{service.name!r} is no DNS label: Consul's DNS will not find it")
    return notes
