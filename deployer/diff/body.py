"""An engine body in, the same in the form in which like can be compared with like out.

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

ENGINE_DEFAULTS: Final[tuple[tuple[tuple[str, ...], str, Any], ...]] = (
    ((), "EndpointSpec", {}),
    (("EndpointSpec",), "Mode", "vip"),
    (("TaskTemplate",), "Runtime", "container"),
    (("TaskTemplate", "ContainerSpec"), "Isolation", "default"),
    (("TaskTemplate", "RestartPolicy"), "Condition", "any"),
    (("UpdateConfig",), "FailureAction", "pause"),
    (("UpdateConfig",), "Order", "stop-first"),
    (("RollbackConfig",), "FailureAction", "pause"),
    (("RollbackConfig",), "Order", "stop-first"),
    (("Mode", "Replicated"), "Replicas", 1),
    (("Mode", "ReplicatedJob"), "MaxConcurrent", 1),
)
"""(section, key, what the engine writes where the client sent nothing): only where that section was sent at all."""

PORT_DEFAULTS: Final = {"Protocol": "tcp", "PublishMode": "ingress"}

KEPT_EMPTY: Final = {
    ("Mode", "Replicated"),
    ("Mode", "Global"),
    ("Mode", "ReplicatedJob"),
    ("Mode", "GlobalJob"),
    ("Mode", "Replicated", "Replicas"),
    ("UpdateConfig", "Parallelism"),
    ("RollbackConfig", "Parallelism"),
    ("TaskTemplate", "RestartPolicy", "Delay"),
    ("TaskTemplate", "ContainerSpec", "StopGracePeriod"),
    ("TaskTemplate", "ContainerSpec", "Init"),
}
"""Where empty, zero or false is not the same as absent: `Replicas` absent means 1, `Delay` absent means 5 s, `Global: {}` is the mode."""

USERS_MAPS: Final = frozenset({"Labels", "Options", "DriverOpts", "Sysctls"})
"""Maps whose keys the user chose: there an empty value says something (`labels: {feature: ""}`)."""

IGNORED: Final = {("TaskTemplate", "ForceUpdate")}
"""Counts `docker service update --force`; carried over into updates, so that nothing restarts because of it."""


def normalise_service(body: Mapping[str, Any], networks: Mapping[str, str]) -> dict[str, Any]:
    """A service body as both sides can be compared: pruned, defaults filled in, names for ids.

    `networks` maps network ids to names: a client sends names, the engine stores ids. Ids of configs and secrets are
    dropped, their names carry the content's hash.
    """
    template = dict(body.get("TaskTemplate") or {})
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
    whole = {**body, "TaskTemplate": template, "Labels": labels, "Mode": body.get("Mode") or {"Replicated": {}}}
    pruned = _prune(_with_defaults(whole), ())
    return pruned if isinstance(pruned, dict) else {}


def hash_of(body: Mapping[str, Any]) -> str:
    """What the `deployer.hash` label carries: a hash of the desired body without its volatile labels.

    An image's digest counts where git names it, and not where a registry did: its tag may move while git stands still.
    """
    normalised = normalise_service(body, {})
    if (body.get("Labels") or {}).get(DIGEST):
        container = normalised["TaskTemplate"]["ContainerSpec"]
        container["Image"] = container["Image"].partition("@")[0]
    return hashlib.sha256(_canonical(normalised).encode()).hexdigest()[:16]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _with_defaults(body: dict[str, Any]) -> dict[str, Any]:
    """A copy of `body` in which every section that was sent says what the engine would make of it."""
    for path, key, value in ENGINE_DEFAULTS:
        body = _with_default(body, path, key, value)
    job = body["Mode"].get("ReplicatedJob")
    if isinstance(job, Mapping):
        body = _with_default(body, ("Mode", "ReplicatedJob"), "TotalCompletions", job["MaxConcurrent"])
    endpoint = body["EndpointSpec"]
    ports = [
        PORT_DEFAULTS | {key: value for key, value in port.items() if value} for port in endpoint.get("Ports") or ()
    ]
    return {**body, "EndpointSpec": {**endpoint, "Ports": ports}}


def _with_default(section: Mapping[str, Any], path: tuple[str, ...], key: str, value: Any) -> dict[str, Any]:
    if not path:
        present = section.get(key)
        return {**section, key: value if present is None or present == "" else present}
    below = section.get(path[0])
    if not isinstance(below, Mapping):
        return dict(section)
    return {**section, path[0]: _with_default(below, path[1:], key, value)}


def _prune(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        pairs = ((key, _prune(item, (*path, key))) for key, item in value.items() if (*path, key) not in IGNORED)
        return {key: item for key, item in pairs if _says_something(item, (*path, key))}
    if isinstance(value, list | tuple):
        return [_prune(item, (*path, "[]")) for item in value]
    return value.reveal() if isinstance(value, Secret) else value


def _says_something(value: Any, path: tuple[str, ...]) -> bool:
    if value is None:
        return False
    users = len(path) > 1 and path[-2] in USERS_MAPS
    return users or path in KEPT_EMPTY or not (value is False or value in ({}, [], "", 0))
