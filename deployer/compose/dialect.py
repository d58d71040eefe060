"""Translate what `docker compose config --format json` prints into what `docker stack deploy` accepts.

Pure: the checkout's directory stands in the input as `./`, files are bytes by path. What Swarm would ignore becomes a
warning, what cannot work an error, each with its place. service.py has the table of rules for services.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.binds import without_binds
from deployer.compose.contents import Content, Kind, contents
from deployer.compose.mounts import NO_CHECKOUT, USE_CONFIG
from deployer.compose.rules import Note, Put, Rule, apply, ignored, keep, silent
from deployer.compose.service import PLAIN_RULES, RULES
from deployer.model.stack import Dependency

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.compose.rules import Path
    from deployer.model.stack import Condition

LONGEST_SERVICE: Final = 63
_SERVICE: Final = re.compile(r"[a-zA-Z0-9](?:[-_]*[A-Za-z0-9]+)*")  # swarmkit, manager/controlapi/service.go
_PREDEFINED: Final = frozenset({"host", "none", "bridge"})
_UNFIT_DRIVERS: Final = frozenset({"bridge"})
_CONTENT_KEYS: Final = ("content", "environment", "file")


@dataclass(frozen=True)
class Dialect:
    """`model` is for `docker stack deploy`, apart from the contents of configs and secrets; services without notes of errors only."""

    model: dict[str, Any]
    notes: tuple[Note, ...]
    contents: tuple[Content, ...]
    external: tuple[tuple[str, str], ...]
    """(kind, name) of the external objects that the file names, volumes too; sorted."""
    volumes: tuple[str, ...]
    """Full names of external volumes that a service mounts: Docker's converter asks for none of them."""
    order: tuple[Dependency, ...]


def translate(
    config: Mapping[str, Any],
    stack: str,
    files: Mapping[str, bytes],
    variables: Mapping[str, str],
    placeholder: str,
    *,
    plain: bool = False,
) -> Dialect:
    """The stack in the dialect. `config` has plain dollar signs; `placeholder` is the file that stands for every content.

    `plain` leaves out what older docker CLIs refuse.
    """
    config, found = without_binds(config, stack, files)
    notes: list[Note] = [*found]
    services = {}
    for name, service in sorted((config.get("services") or {}).items()):
        services[name], told = _service(service, stack, name, PLAIN_RULES if plain else RULES)
        notes += told
    if not services:
        notes.append(Note(("services",), "the stack has no services", _NO_SERVICES, "error"))
    order = tuple(_order(config, stack))
    notes += _end_once(services, order, stack)
    model: dict[str, Any] = {"services": services}
    for section, rules in (("networks", _NETWORK), ("volumes", _VOLUME), ("configs", _CONTENT), ("secrets", _CONTENT)):
        model[section] = {}
        for key, one in sorted((config.get(section) or {}).items()):
            model[section][key], told = _definition(one or {}, rules, (section, key))
            notes += told
    for name in sorted(
        {network for service in services.values() for network in service.get("networks", {})} & _PREDEFINED
    ):
        model["networks"].setdefault(name, {"external": True, "name": name})
    held: list[Content] = []
    kinds: tuple[Kind, ...] = ("configs", "secrets")
    for kind in kinds:
        for item in contents(kind, config, files, variables):
            if isinstance(item, Note):
                notes.append(item)
            else:
                key, content = item
                model[kind][key] |= {"name": content.name, "file": placeholder}
                held.append(content)
    external = _external(model)
    mounted = {mount.get("source") for service in services.values() for mount in service.get("volumes", ())}
    volumes = {one["name"] for key, one in model["volumes"].items() if one.get("external") and key in mounted}
    return Dialect(
        model=model,
        notes=tuple(notes),
        contents=tuple(held),
        external=external,
        volumes=tuple(sorted(volumes)),
        order=order,
    )


def _service(
    service: Mapping[str, Any], stack: str, name: str, rules: Mapping[str, Rule]
) -> tuple[dict[str, Any], list[Note]]:
    at: Path = ("services", name)
    full = f"{stack}_{name}"
    notes: list[Note] = []
    if len(full) > LONGEST_SERVICE:
        message = f"the name {full!r} has {len(full)} characters; a service of Swarm has at most {LONGEST_SERVICE}"
        notes.append(Note(at, message, "shorten the service's name or the stack's", "error"))
    elif _SERVICE.fullmatch(full) is None:
        notes.append(
            Note(at, f"{name!r} is no name for a service of Swarm", "use letters, digits, '-' and '_'", "error")
        )
    given = dict(service)
    if not given.get("image"):
        given.pop("image", None)
        if "provider" not in given:
            notes.append(Note(at, "this service has no image", "give it one: image: NAME:TAG", "error"))
    result, found = apply(rules, given, at)
    return _pruned(result), [*notes, *found, *_round_robin(result, at)]


_NO_SERVICES: Final = "remove the stack's file to remove the stack; COMPOSE_PROFILES in its .env chooses profiles"


def _round_robin(service: Mapping[str, Any], at: Path) -> Iterator[Note]:
    """swarmkit, manager/controlapi/service.go, validateEndpointSpec."""
    if service.get("deploy", {}).get("endpoint_mode") == "dnsrr":
        for index, port in enumerate(service.get("ports", ())):
            if port.get("mode", "ingress") == "ingress":
                message = "with endpoint_mode: dnsrr a port can only be published with mode: host"
                help_ = "write {target: ..., published: ..., mode: host}, or leave endpoint_mode out"
                yield Note((*at, "ports", index), message, help_, "error", key=False)


def _definition(one: Mapping[str, Any], rules: Mapping[str, Rule], at: Path) -> tuple[dict[str, Any], list[Note]]:
    if one.get("external"):
        return {"external": True, "name": one.get("name", at[-1])}, []
    return apply(rules, one, at)


def _driver(value: str, at: Path) -> Iterator[Put | Note]:
    if value in _UNFIT_DRIVERS:
        yield Note(
            at, f"the driver {value!r} is of one machine only: an overlay network is made instead", "remove the line"
        )
    else:
        yield Put(("driver",), value)


def _ipam(value: Mapping[str, Any], at: Path) -> Iterator[Put | Note]:
    subnets = []
    for index, pool in enumerate(value.get("config") or ()):
        for key in sorted(pool.keys() - {"subnet"}):
            yield from ignored()(pool[key], (*at, "config", index, key))
        if "subnet" in pool:
            subnets.append({"subnet": pool["subnet"]})
    if value.get("driver", "default") != "default":
        yield Put(("ipam", "driver"), value["driver"])
    if subnets:
        yield Put(("ipam", "config"), subnets)


def _volume_options(value: Mapping[str, Any], at: Path) -> Iterator[Put | Note]:
    device = str(value.get("device", ""))
    if device == "." or device.startswith("./"):
        yield Note(
            (*at, "device"), f"{device} is a path of this repository: {NO_CHECKOUT}", USE_CONFIG, "error", key=False
        )
    yield Put(("driver_opts",), value)


_NETWORK: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(("attachable", "driver_opts", "internal", "labels", "name"), keep),
    **{name: ignored() for name in ("enable_ipv4", "enable_ipv6")},
    "driver": _driver,
    "ipam": _ipam,
}
_VOLUME: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(("driver", "labels", "name", "x-cluster-spec"), keep),
    "driver_opts": _volume_options,
}
_CONTENT: Final[Mapping[str, Rule]] = {
    **dict.fromkeys(("driver", "driver_opts", "labels", "name", "template_driver"), keep),
    **dict.fromkeys(_CONTENT_KEYS, silent),
}


def _external(model: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    found = {
        (section.removesuffix("s"), one["name"])
        for section in ("networks", "configs", "secrets", "volumes")
        for one in model[section].values()
        if one.get("external") and not (section == "networks" and one["name"] in _PREDEFINED)
    }
    return tuple(sorted(found))


def _order(config: Mapping[str, Any], stack: str) -> Iterator[Dependency]:
    services = config.get("services") or {}
    for name, service in sorted(services.items()):
        wanted = service.get("depends_on") or {}  # a mapping; a list in compose plugins of old
        for other in sorted(wanted):
            how = wanted[other] if isinstance(wanted, dict) else {}
            if other in services:
                condition = _CONDITIONS.get(how.get("condition"), "started")
                yield Dependency(f"{stack}_{name}", f"{stack}_{other}", condition, how.get("required") is not False)


def _end_once(services: dict[str, dict[str, Any]], order: tuple[Dependency, ...], stack: str) -> Iterator[Note]:
    """What another service waits for to complete is not restarted, as in compose, where that is the default; Swarm's is `any`."""
    for one in order:
        name, dependant = one.on.removeprefix(f"{stack}_"), one.service.removeprefix(f"{stack}_")
        deploy = services[name].get("deploy") or {}
        if one.condition != "completed" or str(deploy.get("mode", "")).endswith("-job"):
            continue
        policy = {"condition": "none", **(deploy.get("restart_policy") or {})}
        services[name]["deploy"] = {**deploy, "restart_policy": policy}
        if policy["condition"] == "any":
            message = f"{name!r} is restarted whenever it ends: it never completes"
            help_ = f"give {name!r} restart: on-failure, or deploy: {{mode: replicated-job}}"
            yield Note(("services", dependant, "depends_on"), message, help_, "error")


_CONDITIONS: Final[Mapping[Any, Condition]] = {
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}


def _pruned(value: Any) -> Any:
    """Without nulls: `docker compose config` writes them for `command` and `entrypoint`, and the stack schema refuses them."""
    if isinstance(value, dict):
        return {key: _pruned(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_pruned(one) for one in value]
    return value
