"""Labels on a machine that has just become a member of the swarm: they say whose it is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from deployer.docker import segment
from deployer.errors import DeployerError
from deployer.model import labels

if TYPE_CHECKING:
    from deployer.docker import Engine
    from deployer.execute.world import World


async def mark_member(world: World, node: str, engine: Engine) -> None:
    """Without them nobody knows it as ours when git has forgotten it. What does not come about here, the next plan does."""
    with contextlib.suppress(DeployerError):
        own = str((await engine.get("/info"))["Swarm"]["NodeID"])
        path = f"/nodes/{segment(own)}"
        manager = await world.manager()
        told = await manager.get(path)
        mine = {labels.CLUSTER: world.link.cluster.name, labels.NODE: node}
        spec = {**told["Spec"], "Labels": {**(told["Spec"].get("Labels") or {}), **mine}}
        await manager.post(f"{path}/update", spec, version=told["Version"]["Index"])
