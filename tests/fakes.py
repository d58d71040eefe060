"""What stands in for the world in unit tests: machines that answer from memory and keep what they were asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from deployer.model.cluster import Cluster, Consul, Engine, Node, Ssh

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from deployer.model.cluster import Role

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T], seconds: float = 20.0) -> T:
    """The coroutine's result; fails where it takes too long, or leaves tasks running behind it."""

    async def bounded() -> T:
        result = await asyncio.wait_for(coroutine, seconds)
        await asyncio.sleep(0)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"still running: {left}"
        return result

    return asyncio.run(bounded())


def node(name: str = "m1", address: str = "127.0.0.1", *, role: Role = "manager", consul: bool = False,
         ssh: Ssh | None = None) -> Node:  # fmt: skip
    """A machine as its file would define it."""
    return Node(name, address, role, "eth0", (), "active", consul, ssh or Ssh(), Engine(), f"cluster/nodes/{name}.yaml")


def cluster(*nodes: Node, known_hosts: str = "", consul: Consul | None = None) -> Cluster:
    return Cluster("test", tuple(sorted(nodes, key=lambda node: node.name)), consul, known_hosts)
