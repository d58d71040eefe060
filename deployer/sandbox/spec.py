"""The sandbox's nouns: what is asked for, and what is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.errors import UsageError
from deployer.model.patterns import NAME_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DEFAULT_NAME = "sandbox"
DEFAULT_NODES = 4
MOST_MACHINES = 16
REGISTRY = "registry"


@dataclass(frozen=True)
class SandboxSpec:
    """What `up` is asked for: machines by name, in the order of their addresses; `subnet` None means the first free one.

    `engine`: new machines have a Docker engine from the start, as `engine: {install: distro}` would install it.
    """

    name: str
    machines: tuple[str, ...]
    subnet: str | None = None
    engine: bool = False


@dataclass(frozen=True)
class Machine:
    """One machine: `state` is running, booting, or the engine's word for a container that does not run.

    `ssh` says whether a server answered at port 22; `host_keys` are "TYPE BASE64", read over the engine's own channel.
    """

    name: str
    address: str
    state: str
    ssh: bool
    host_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sandbox:
    """What stands there; `registry` is the mirror's address as the machines see it, `known_hosts` the file's text."""

    name: str
    machines: tuple[Machine, ...]
    identity_file: Path
    known_hosts: str
    registry: str
    registry_state: str
    subnet: str


def machine_names(count: int) -> tuple[str, ...]:
    """The first `count` of consul, master, slave, slave2, slave3, ..."""
    first = ("consul", "master", "slave")
    return (*first, *(f"slave{number}" for number in range(2, max(2, count - 1))))[:count]


def checked_name(word: str, what: str) -> str:
    """`word` where it can be the name of containers, hosts and folders; raises UsageError otherwise."""
    if not re.match(NAME_PATTERN, word) or word.endswith("\n"):  # `$` lets a last newline pass
        raise UsageError(
            f"{word!r} cannot be the name of a {what}",
            help="small letters, digits and hyphens, 63 at most, no hyphen at either end",
        )
    return word


def checked(name: str, machines: Iterable[str], subnet: str | None = None, *, engine: bool = False) -> SandboxSpec:
    """A spec whose names can be those of containers and hosts; raises UsageError naming the first that cannot."""
    wanted = tuple(checked_name(machine, "machine") for machine in machines)
    checked_name(name, "sandbox")
    if REGISTRY in wanted:
        raise UsageError("no machine can be called registry", help="the sandbox's registry is called that")
    if not 1 <= len(wanted) <= MOST_MACHINES:
        raise UsageError(f"a sandbox has 1 to {MOST_MACHINES} machines, not {len(wanted)}")
    if len(set(wanted)) != len(wanted):
        raise UsageError("two machines of the sandbox have one name")
    return SandboxSpec(name, wanted, subnet, engine)
