"""Two engine bodies in, the fields that differ out: like compared with like.

The engine fills in defaults and drops nulls; after the same pruning on both sides only a handful of fields differ
(tried on 82 services against Engine 20.10: EndpointSpec.Mode, ContainerSpec.Isolation and TaskTemplate.Runtime).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from deployer.diff.change import ABSENT, Field
from deployer.model.labels import VOLATILE

ENGINE_DEFAULTS: Final = {
    ("EndpointSpec", "Mode"): "vip",
    ("TaskTemplate", "ContainerSpec", "Isolation"): "default",
    ("TaskTemplate", "Runtime"): "container",
}
"""What the engine writes where the client sent nothing."""

KEPT_EMPTY: Final = {
    ("Mode", "Replicated"),
    ("Mode", "Global"),
    ("Mode", "ReplicatedJob"),
    ("Mode", "GlobalJob"),
    ("Mode", "Replicated", "Replicas"),
}
"""Where empty or zero is not the same as absent: an absent `Replicas` means 1, and `Global: {}` is the mode itself."""

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
    container["Env"] = sorted(container.get("Env") or ())
    template["ContainerSpec"] = container
    labels = {key: value for key, value in (body.get("Labels") or {}).items() if key not in VOLATILE}
    pruned = _prune({**body, "TaskTemplate": template, "Labels": labels}, ())
    result: dict[str, Any] = pruned if isinstance(pruned, dict) else {}
    for path, value in ENGINE_DEFAULTS.items():
        target = result
        for key in path[:-1]:
            target = target.setdefault(key, {})
        target.setdefault(path[-1], value)
    return result


def fields(old: Any, new: Any, path: str = "") -> tuple[Field, ...]:
    """Every leaf that differs, sorted by path. Lists are compared as a whole unless they are lists of the same length."""
    if old == new:
        return ()
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found: list[Field] = []
        for key in sorted({*old, *new}):
            below = f"{path}.{key}" if path else str(key)
            found += fields(old.get(key, ABSENT), new.get(key, ABSENT), below)
        return tuple(found)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return tuple(
            field for i, pair in enumerate(zip(old, new, strict=True)) for field in fields(*pair, f"{path}[{i}]")
        )
    return (Field(path, old, new),)


def hash_of(body: Mapping[str, Any]) -> str:
    """What the `deployer.hash` label carries: a hash of the desired body without its volatile labels."""
    return hashlib.sha256(_canonical(normalise_service(body, {})).encode()).hexdigest()[:16]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _prune(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        pairs = ((key, _prune(item, (*path, key))) for key, item in value.items() if (*path, key) not in IGNORED)
        return {key: item for key, item in pairs if _says_something(item, (*path, key))}
    if isinstance(value, list | tuple):
        return [_prune(item, (*path, "[]")) for item in value]
    return value


def _says_something(value: Any, path: tuple[str, ...]) -> bool:
    if value is None:
        return False
    return path in KEPT_EMPTY or not (value is False or value in ({}, [], "", 0))
