"""One operation in, what became of it out: the one place that knows which function does what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.execute import builds, containers, images, machines, membership, removals, retire, stacks
from deployer.execute.back import roll_back_stack
from deployer.execute.converge import await_services
from deployer.plan.operations import (
    AwaitConsul,
    AwaitServices,
    BuildImage,
    BuildStackImage,
    ComposeDown,
    ComposeUp,
    CreateObject,
    CreateService,
    InitSwarm,
    InstallEngine,
    JoinSwarm,
    Operation,
    PushImage,
    RegisterNode,
    RemoveImage,
    RemoveObject,
    RemoveService,
    ReplaceNetwork,
    ReplaceService,
    RetireContainer,
    RollBackStack,
    RunContainer,
    SendImage,
    UpdateMember,
    UpdateService,
    WriteDaemonJson,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.execute.world import World

    Tell = Callable[[str], None]


async def perform(operation: Operation, world: World, tell: Tell) -> str:  # noqa: C901, PLR0911, PLR0912 - one line an operation
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case InstallEngine():
            return await machines.install_engine(world, operation, tell)
        case WriteDaemonJson():
            return await machines.write_daemon_json(world, operation, tell)
        case InitSwarm():
            return await membership.init_swarm(world, operation, tell)
        case JoinSwarm():
            return await membership.join_swarm(world, operation, tell)
        case UpdateMember():
            return await machines.update_member(world, operation, tell)
        case BuildImage():
            return await images.build_image(world, operation, tell)
        case RunContainer():
            return await containers.run_container(world, operation, tell)
        case RetireContainer():
            return await retire.retire_container(world, operation, tell)
        case RemoveImage():
            return await retire.remove_image(world, operation, tell)
        case AwaitConsul() | RegisterNode():
            return await _at_consul(operation, world, tell)
        case BuildStackImage():
            return await builds.build_stack_image(world, operation, tell)
        case PushImage():
            return await builds.push_image(world, operation, tell)
        case SendImage():
            return await builds.send_image(world, operation, tell)
        case ComposeUp() | ComposeDown():
            from deployer.execute import projects  # noqa: PLC0415 - most clusters have none

            if isinstance(operation, ComposeUp):
                return await projects.compose_up(world, operation, tell)
            return await projects.compose_down(world, operation, tell)
        case CreateObject():
            return await stacks.create_object(world, operation, tell)
        case CreateService():
            return await stacks.create_service(world, operation, tell)
        case UpdateService():
            return await stacks.update_service(world, operation, tell)
        case ReplaceService():
            return await removals.replace_service(world, operation, tell)
        case RemoveService():
            return await removals.remove_service(world, operation, tell)
        case ReplaceNetwork():
            return await removals.replace_network(world, operation, tell)
        case RemoveObject():
            return await removals.remove_object(world, operation, tell)
        case AwaitServices():
            return await await_services(world, operation, tell)
        case RollBackStack():
            return await roll_back_stack(world, operation, tell)
        case _:
            from deployer.execute.care import take_care  # noqa: PLC0415 - no run of every day has any of it

            return await take_care(operation, world, tell)


async def _at_consul(operation: AwaitConsul | RegisterNode, world: World, tell: Tell) -> str:
    from deployer.execute import catalogue  # noqa: PLC0415 - py-consul costs 0.1 s, and most runs have nothing to do there

    if isinstance(operation, AwaitConsul):
        return await catalogue.await_consul(world, operation, tell)
    return await catalogue.register_node(world, operation, tell)
