"""What runs where, as `docker ps` would list it for the whole cluster, and what it writes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One container of one machine, or a task of Swarm that has none (yet, or any more)."""

    machine: str
    """Empty where Swarm has not found one."""
    name: str
    id: str = ""
    """The container's, shortened; empty for a task that has none."""
    image: str = ""
    command: str = ""
    created: float = 0.0
    """Seconds since 1970; 0 where there is no container."""
    status: str = ""
    """In the engine's words: `Up 5 minutes (healthy)`; of a task without a container its state and error."""
    ports: tuple[str, ...] = ()
    stack: str = ""
    service: str = ""
    task: str = ""
    """Of a Swarm task its id."""
    failed: bool = False


@dataclass(frozen=True)
class Running:
    """Everything that runs in a cluster, as far as it could be asked."""

    cluster: str
    rows: tuple[Row, ...]
    """Sorted by machine and name."""
    silent: tuple[tuple[str, str], ...] = ()
    """(machine, why it could not be asked)."""


@dataclass(frozen=True)
class LogQuery:
    """Whose records are asked for. `since` in seconds since 1970, 0 for all; `tail` the last so many of each task, None for all."""

    stack: str
    service: str = ""
    """Without the stack's name; empty for all of them."""
    follow: bool = False
    tail: int | None = None
    since: float = 0.0


@dataclass(frozen=True)
class LogRecord:
    """One line that a task wrote."""

    time: str
    """As the engine has it (RFC 3339, nanoseconds)."""
    node: str
    task: str
    """`web_api.1`"""
    text: str
