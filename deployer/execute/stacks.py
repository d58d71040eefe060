"""Stacks: what services refer to, the services, and the wait for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.execute.back import roll_back_stack
from deployer.execute.converge import await_services
from deployer.execute.removals import remove_object, remove_service, replace_network, replace_service
from deployer.execute.services import create_object, create_service, update_service
from deployer.plan.stacks import (
    AwaitServices,
    CreateObject,
    CreateService,
    RemoveObject,
    RemoveService,
    ReplaceNetwork,
    ReplaceService,
    RollBackStack,
    UpdateService,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.execute.world import World
    from deployer.plan.stacks import StackOperation


async def perform(operation: StackOperation, world: World, tell: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case CreateObject():
            done = await create_object(world, operation)
        case CreateService():
            done = await create_service(world, operation)
        case UpdateService():
            done = await update_service(world, operation)
        case ReplaceService():
            done = await replace_service(world, operation, tell)
        case RemoveService():
            done = await remove_service(world, operation, tell)
        case ReplaceNetwork():
            done = await replace_network(world, operation, tell)
        case RemoveObject():
            done = await remove_object(world, operation, tell)
        case AwaitServices():
            done = await await_services(world, operation, tell)
        case RollBackStack():
            done = await roll_back_stack(world, operation, tell)
    return done
