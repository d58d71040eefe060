"""The one place that knows who does an operation: the module of its domain, which runs when something of it is first done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from deployer.plan.operations import domain
from deployer.startup import defer_imports

with defer_imports():
    from deployer.execute import (
        consul,
        images,
        keys,
        machines,
        maintenance,
        projects,
        registrator,
        stacks,
        swarm,
        tls,
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.execute.world import World
    from deployer.plan.operations import Operation


class Domain(Protocol):
    """A domain's module: it does that domain's operations."""

    async def perform(self, operation: Any, world: World, tell: Callable[[str], None], /) -> str: ...


DOMAINS: Final[Mapping[str, Domain]] = {
    "consul": consul,
    "images": images,
    "keys": keys,
    "machines": machines,
    "maintenance": maintenance,
    "projects": projects,
    "registrator": registrator,
    "stacks": stacks,
    "swarm": swarm,
    "tls": tls,
}


async def perform(operation: Operation, world: World, tell: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    return await DOMAINS[domain(operation)].perform(operation, world, tell)
