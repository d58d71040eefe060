"""The services that a container offers. Pure. The rules are those of gliderlabs.github.io/registrator/latest/user/services."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from deployer.model.printable import shown
from deployer.model.registration import ALPHABET, LONGEST, fits, is_reserved
from deployer.registrator import checks
from deployer.registrator.meta import CONTROL, meta_of, swarm_marks
from deployer.registrator.metadata import PREFIX, Settings, TooMuchError, pairs, read_metadata
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
    from deployer.registrator.metadata import Metadata

ENGINE: Final = "registrator-engine"
"""The ownership mark: the id of the engine whose registrator made the entry. It outlives changed host names and custom ids."""
OWNER: Final = "registrator-container"
"""The container (or `task:ID`) that the entry stands for."""
HASH: Final = "registrator-hash"
"""Hash of the registration without its status: an entry with the same hash needs no writing."""
MOST: Final = 1024
"""How many ports and services of a container are looked at: each is an entry with a check that Consul makes every 10 s."""
MOST_NOTES: Final = 50
TAGS_LIMIT: Final = 16384
"""Characters of all tags of a service: every answer about it holds them."""
_DNS_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,252}|::[0-9A-Fa-f:.]{0,40}", re.ASCII)
"""An IP address or a host's name: it becomes part of the URL of a check."""


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


class RefusedError(ValueError):
    """What a container asks for is not registered. The message says why."""


def services(container: Container, peer: Container | None, host: Host, options: Options) -> Found:
    """The services of a container that runs. `peer` is the container whose network it shares, if it does.

    What cannot be registered whole is not registered at all, and a note says why.
    """
    if options.health == "register" and container.health not in {"", "healthy"}:
        return Found()
    try:
        metadata = read_metadata(pairs(container))
    except TooMuchError as error:
        return Found((), (f"not registered: it has {error}",))
    kept = [port for port in container.ports if options.internal or port.bindings]
    notes = [*_about_ports(container, metadata, options)]
    made: dict[str, Service] = {}
    asked = _Asked(container, peer, host, options, group=len(kept) > 1)
    for index, port in enumerate(kept):
        if max(index, len(made)) >= MOST:
            notes.append(f"port {port.number} and those after it not registered: a container may have {MOST}")
            break
        notes += _add_port(asked, port, metadata.of(port.number), made)
    return Found(tuple(made.values()), _few(notes))


@dataclass(frozen=True)
class _Asked:
    """What is the same for all ports of a container."""

    container: Container
    peer: Container | None
    host: Host
    options: Options
    group: bool

    @cached_property
    def tags(self) -> str:
        """Those of -tags. Raises TemplateError."""
        return fill(self.options.tags, self.container.raw)


def _about_ports(container: Container, metadata: Metadata, options: Options) -> Iterator[str]:
    if not container.ports:
        yield "no published ports"
        return
    for key in metadata.stray(port.number for port in container.ports):
        yield f"{shown(key)[1:-1]} is for a port that it does not have"
    for port in container.ports:
        if not options.internal and not port.bindings:
            yield f"port {port.number} not published on host"


def _add_port(asked: _Asked, port: Port, settings: Settings, made: dict[str, Service]) -> Iterator[str]:
    """Add the port's services to those that are `made`; what somebody should know, one sentence each."""
    if settings.get("ignore") or (asked.options.explicit and not settings.get("name")):
        yield f"service on port {port.number} ignored"
        return
    yield from checks.unknown_checks(settings)
    try:
        for service in islice(_of_port(asked, port, settings), MOST):
            if service.id in made:
                yield f"port {port.number}: the id {service.id} is taken by its port {made[service.id].port}"
            else:
                made[service.id] = service
                yield from _about(service, settings)
    except (NoAddressError, TemplateError, RefusedError, checks.BadCheckError) as error:
        yield f"port {port.number} not registered: {error}"


def _few(notes: list[str]) -> tuple[str, ...]:
    different = tuple(dict.fromkeys(notes))
    rest = len(different) - MOST_NOTES
    return different if rest <= 0 else (*different[:MOST_NOTES], f"and {rest} notes more")


def default_name(image: str) -> str:
    """The last part of an image's name, without its tag (Go's path.Base, then up to the first colon)."""
    return (image.rstrip("/").rpartition("/")[2] or ("/" if image else ".")).partition(":")[0]


def named(settings: Settings, image: str, port: int, *, group: bool) -> str:
    """The service's name: SERVICE_x_NAME, SERVICE_NAME, the image's; the last two with the port where there are several."""
    name = settings.get("name") or default_name(image)
    return f"{name}-{port}" if group and "name" not in settings.own else name


def _of_port(asked: _Asked, port: Port, settings: Settings) -> Iterator[Service]:
    """One service for each place at which the port is reached; the first has the id that it always had.

    Raises RefusedError, NoAddressError, BadCheckError, TemplateError.
    """
    container, peer, host, options = asked.container, asked.peer, asked.host, asked.options
    udp = port.protocol == "udp"
    tags = combine_tags(settings.get("tags"), asked.tags, *(["udp"] if udp else []))
    identity = settings.get("id") or f"{host.name}:{container.name}:{port.number}{':udp' if udp else ''}"
    marks = {**swarm_marks(container, host), ENGINE: host.engine, OWNER: container.id}
    meta, _ = meta_of(settings, marks)
    places: tuple[Binding | None, ...] = (None,) if options.internal else published(port)
    for index, binding in enumerate(places):
        address = _address(container, peer, binding, settings, host, options)
        number = port.number if binding is None else binding.port
        suffix = f":{binding.address}-{binding.port}" if index and binding else ""
        target = checks.Target(address, number, container.id, port.number)
        service = Service(
            id=identity + suffix,
            name=named(settings, container.image, port.number, group=asked.group),
            address=address,
            port=number,
            owner=container.id,
            tags=tags,
            meta=meta,
        )
        _refuse(service, settings, port.number)
        check = checks.read_check(settings, target, scripts=options.script_checks)
        yield _with_health(replace(service, check=check), container, options)


def _refuse(service: Service, settings: Settings, port: int) -> None:
    """Raises RefusedError where the service may not be registered so; the message names the label that says it."""
    for what, value in (("id", service.id), ("name", service.name)):
        label = _label(what, settings, port)
        if not fits(value):
            raise RefusedError(f"{label} {shown(value)}; it has {ALPHABET}, and at most {LONGEST} characters")
        if is_reserved(value):
            raise RefusedError(f"{label} {shown(value)}, which is Consul's own or deployer's")
    if not _ADDRESS.fullmatch(service.address):
        raise RefusedError(f"its address is {shown(service.address)}, neither an IP address nor a host's name")
    if sum(map(len, service.tags)) > TAGS_LIMIT:
        raise RefusedError(f"its tags have more than {TAGS_LIMIT} characters")
    if odd := next((tag for tag in service.tags if CONTROL.search(tag)), None):
        raise RefusedError(f"{_label('tags', settings, port)} {shown(odd)}, with a character that is no text")


def _label(what: str, settings: Settings, port: int) -> str:
    """Where it comes from: the name of the label or of the variable, or nowhere in particular."""
    if not settings.get(what):
        return f"its {what} is" if what != "tags" else "its tags have"
    return f"{PREFIX}{f'{port}_' if what in settings.own else ''}{what.upper()} is"


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


def _about(service: Service, settings: Settings) -> list[str]:
    notes = [
        f"{shown(key)} is left out of Meta: its name, its length or a character of it"
        for key in meta_of(settings, {})[1]
    ]
    if not _DNS_LABEL.fullmatch(service.name):
        notes.append(f"{shown(service.name)} is no DNS label: Consul's DNS will not find it")
    return notes
