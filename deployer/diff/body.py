"""The form in which a live service body and a desired one can be compared.

The engine fills in defaults and drops nulls. What it fills in was found by sending 35 services, each with another part
of compose, to Engine 26.1 and reading them back (tests/diff/data): after the same pruning and with the same defaults
nothing differs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from deployer.model.labels import DIGEST, VOLATILE
from deployer.model.secret import Secret, revealed
from deployer.model.spec import TEMPLATE, ServiceSpec

ENGINE_DEFAULTS: Final[tuple[tuple[tuple[str, ...], str, Any], ...]] = (
    ((), "EndpointSpec", {}),
    (("EndpointSpec",), "Mode", "vip"),
    ((TEMPLATE,), "Runtime", "container"),
    ((TEMPLATE, "ContainerSpec"), "Isolation", "default"),
    ((TEMPLATE, "RestartPolicy"), "Condition", "any"),
    (("UpdateConfig",), "FailureAction", "pause"),
    (("UpdateConfig",), "Order", "stop-first"),
    (("RollbackConfig",), "FailureAction", "pause"),
    (("RollbackConfig",), "Order", "stop-first"),
    (("Mode", "Replicated"), "Replicas", 1),
    (("Mode", "ReplicatedJob"), "MaxConcurrent", 1),
)
"""(section, key, what the engine writes where the client sent nothing): only where that section was sent at all."""

PORT_DEFAULTS: Final = {"Protocol": "tcp", "PublishMode": "ingress"}

KEPT_EMPTY: Final[Mapping[str, Any]] = {
    "Mode": {"Replicated": {"Replicas": {}}, "Global": {}, "ReplicatedJob": {}, "GlobalJob": {}},
    "UpdateConfig": {"Parallelism": {}},
    "RollbackConfig": {"Parallelism": {}},
    TEMPLATE: {"RestartPolicy": {"Delay": {}}, "ContainerSpec": {"StopGracePeriod": {}, "Init": {}}},
}
"""Where empty, zero or false is not the same as absent: `Replicas` absent means 1, `Delay` absent means 5 s, `Global: {}` is the mode.

Of the sections themselves only the modes: an empty `UpdateConfig` has been filled in before.
"""

SECTIONS: Final = frozenset({"Mode", "UpdateConfig", "RollbackConfig", TEMPLATE, "RestartPolicy", "ContainerSpec"})
"""Of `KEPT_EMPTY`, what says nothing when it is empty itself."""

USERS_MAPS: Final = frozenset({"Labels", "Options", "DriverOpts", "Sysctls"})
"""Maps whose keys the user chose: there an empty value says something (`labels: {feature: ""}`)."""
PLAIN: Final = frozenset({str, int, bool, float, type(None)})
"""Types of values that have nothing inside."""


def normalise_service(body: Mapping[str, Any], networks: Mapping[str, str]) -> dict[str, Any]:
    """A service body as both sides can be compared: pruned, defaults filled in, names for ids.

    `networks` maps network ids to names: a client sends names, the engine stores ids. Ids of configs and secrets are
    dropped, their names carry the content's hash.
    """
    template = dict(ServiceSpec(body).template)
    # Counts `docker service update --force`; carried over into updates, so that nothing restarts because of it.
    template.pop("ForceUpdate", None)
    template["Networks"] = sorted(
        (
            {
                **network,
                "Target": networks.get(network.get("Target", ""), network.get("Target", "")),
                "Aliases": sorted(network.get("Aliases") or ()),
            }
            for network in template.get("Networks") or ()
        ),
        key=lambda network: str(network["Target"]),
    )
    container = dict(template.get("ContainerSpec") or {})
    for kind, id_key, name_key in (("Configs", "ConfigID", "ConfigName"), ("Secrets", "SecretID", "SecretName")):
        references = [
            {key: value for key, value in reference.items() if key != id_key} for reference in container.get(kind) or ()
        ]
        container[kind] = sorted(
            references, key=lambda reference: (str(reference.get(name_key)), _canonical(reference))
        )
    container["Env"] = sorted(revealed(container.get("Env") or ()))
    template["ContainerSpec"] = container
    labels = {key: value for key, value in (body.get("Labels") or {}).items() if key not in VOLATILE}
    whole = {**body, TEMPLATE: template, "Labels": labels, "Mode": body.get("Mode") or {"Replicated": {}}}
    return _prune(_with_defaults(whole), KEPT_EMPTY, users=False)


def hash_of(body: Mapping[str, Any]) -> str:
    """What the `deployer.hash` label carries: a hash of the desired body without its volatile labels.

    An image's digest counts where git names it, and not where a registry did: its tag may move while git stands still.
    """
    normalised = normalise_service(body, {})
    if (body.get("Labels") or {}).get(DIGEST):
        container = normalised[TEMPLATE]["ContainerSpec"]
        container["Image"] = container["Image"].partition("@")[0]
    return hashlib.sha256(_canonical(normalised).encode()).hexdigest()[:16]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _with_defaults(body: dict[str, Any]) -> dict[str, Any]:
    """The body, in which every section that was sent says what the engine would make of it."""
    copied: dict[tuple[str, ...], dict[str, Any]] = {(): body}
    for path, key, value in ENGINE_DEFAULTS:
        section = _section(copied, path)
        if section is not None and section.get(key) in (None, ""):
            section[key] = value
    job = _section(copied, ("Mode", "ReplicatedJob"))
    if job is not None and job.get("TotalCompletions") is None:
        job["TotalCompletions"] = job["MaxConcurrent"]
    endpoint = _section(copied, ("EndpointSpec",))
    if endpoint and endpoint.get("Ports"):
        endpoint["Ports"] = [
            PORT_DEFAULTS | {key: one for key, one in port.items() if one} for port in endpoint["Ports"]
        ]
    return body


def _section(copied: dict[tuple[str, ...], dict[str, Any]], path: tuple[str, ...]) -> dict[str, Any] | None:
    """The section at `path`, copied once so that it may be written to; None where it was not sent."""
    if path in copied:
        return copied[path]
    above = _section(copied, path[:-1])
    found = above.get(path[-1]) if above is not None else None
    if above is None or not isinstance(found, Mapping):
        return None
    copied[path] = above[path[-1]] = dict(found)
    return copied[path]


def _prune(section: Mapping[str, Any], kept: Mapping[str, Any], *, users: bool) -> dict[str, Any]:
    """The section without what says nothing. `users`: the user chose its keys, so all of them say something.

    Thousands of services pass here in every plan: hence the loop, no path that is put together for each value, and the most
    frequent kinds of value first.
    """
    made: dict[str, Any] = {}
    for key, item in section.items():
        value = item
        if type(value) not in PLAIN:
            if isinstance(value, dict):
                value = _prune(value, kept.get(key) or {}, users=key in USERS_MAPS)
            elif isinstance(value, list | tuple):
                value = [one if type(one) in PLAIN else _element(one, users=key in USERS_MAPS) for one in value]
            elif isinstance(value, Secret):
                value = value.reveal()
        if value or (value is not None and (users or (key in kept and key not in SECTIONS))):
            made[key] = value
    return made


def _element(value: Any, *, users: bool) -> Any:
    if isinstance(value, dict):
        return _prune(value, {}, users=users)
    if isinstance(value, list | tuple):
        return [_element(one, users=False) for one in value]
    return value.reveal() if isinstance(value, Secret) else value
