"""What a machine is to be in, the text of its file out: with the comments that teach. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.model.cluster import Availability, ConsulRole, Install, Role

_PLAIN: Final = re.compile(r"[A-Za-z/~][A-Za-z0-9/~._@-]*")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


@dataclass(frozen=True)
class Wanted:
    """A machine's file before it is one; what is None or empty is not said there."""

    name: str
    address: str
    role: Role = "none"
    user: str | None = None
    port: int | None = None
    key: str | None = None
    advertise: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    availability: Availability = "active"
    consul: ConsulRole | None = None
    install: Install | None = None
    daemon: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    """Comments at the end of the file."""
    sudo_password: bool = False
    """Whether sudo asks the user for one."""

    @property
    def path(self) -> str:
        return f"cluster/nodes/{self.name}.yaml"


def text(wanted: Wanted) -> str:
    """The file: each line that is there says what it is, each that is not says how to have it."""
    return "\n".join((*_lines(wanted), ""))


def _lines(wanted: Wanted) -> Iterator[str]:
    yield "# Where SSH reaches the machine."
    yield f"address: {scalar(wanted.address)}"
    ssh = {
        "user": wanted.user,
        "port": wanted.port,
        "identity_file": wanted.key,
        "sudo": "password" if wanted.sudo_password else None,
    }
    if any(ssh.values()):
        yield "# What differs from the cluster's ssh section; what neither says comes from ~/.ssh/config."
        yield f"ssh: {scalar({key: value for key, value in ssh.items() if value is not None})}"
    yield ""
    yield "# manager, worker, or none: not part of the swarm. Use 1, 3 or 5 managers."
    yield f"swarm: {wanted.role}"
    yield "# The interface (or address) at which the other machines reach this one."
    yield f"advertise: {scalar(wanted.advertise)}" if wanted.advertise else "# advertise: eth0"
    yield "# For `deploy.placement.constraints`: node.labels.zone == a"
    yield f"labels: {scalar(dict(wanted.labels))}" if wanted.labels else "# labels: {zone: a}"
    if wanted.availability != "active":
        yield "# active, pause (no new tasks) or drain (no tasks at all)"
        yield f"availability: {wanted.availability}"
    if wanted.consul:
        yield "# server: runs one of Consul's servers; agent: registers its own services."
        yield f"consul: {wanted.consul}"
    if wanted.install or wanted.daemon:
        yield ""
        yield "# What differs from the cluster's engine section. `daemon` is merged into /etc/docker/daemon.json;"
        yield "# null takes one of the cluster's settings away."
        yield "engine:"
        if wanted.install:
            yield f"  install: {wanted.install}"
        if wanted.daemon:
            yield "  daemon:"
            yield from (f"    {scalar(key)}: {scalar(value)}" for key, value in wanted.daemon.items())
    if wanted.remarks:
        yield ""
        yield from (f"# {remark}" for remark in wanted.remarks)


def scalar(value: Any) -> str:
    """A value in YAML on one line: plain where that is safe, else as JSON, which is YAML as well."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {scalar(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(scalar, value)) + "]"
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS and value != "~"
    address = isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+){3}", value)
    return str(value) if plain or address else json.dumps(value)
