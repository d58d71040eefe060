"""The Meta of a container's services: its attributes, as far as Consul takes them, and Swarm's marks. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.registrator.container import Container
    from deployer.registrator.metadata import Settings
    from deployer.registrator.network import Host

META_LIMIT: Final = 64
META_VALUE_LIMIT: Final = 512
"""Consul's limits (agent/structs, ValidateServiceMetadata)."""
_META_KEY: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
_NOT_META: Final = frozenset({"id", "name", "tags", "ignore", "network"})
_OURS: Final = ("consul-", "registrator-", "swarm-")
"""What Consul and we ourselves say in Meta; a container does not."""
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Characters that are no text: line breaks and what terminals act on, and halves of characters, which no UTF-8 can hold."""


def meta_of(settings: Settings, marks: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The attributes that Consul takes, with our marks; and the names of those that are left out."""
    wanted = {
        key: value
        for key, value in sorted(settings.values.items())
        if key not in _NOT_META and not key.startswith("check_")
    }
    fit = {
        key: value
        for key, value in wanted.items()
        if _META_KEY.fullmatch(key) and not key.startswith(_OURS) and _may_be_meta(value)
    }
    room = META_LIMIT - len(marks) - 1  # the hash comes later
    fit = dict(list(fit.items())[:room])
    return {**fit, **marks}, tuple(key for key in wanted if key not in fit)


def _may_be_meta(value: str) -> bool:
    """A line break in it is one in every file that somebody makes of the catalogue."""
    return len(value) <= META_VALUE_LIMIT >= len(value.encode("utf-8", "replace")) and not CONTROL.search(value)


def swarm_marks(container: Container, host: Host) -> dict[str, str]:
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
    marks |= {"swarm-slot": slot} if slot.isdigit() else {}  # a global service's tasks have no slot
    return {
        key: value for key, value in marks.items() if _may_be_meta(value)
    }  # anybody can give a container such labels
