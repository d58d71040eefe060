"""Steps in the swarm: networks, configs, secrets and services, as engines store them."""

from dataclasses import replace
from typing import Any

from deployer.diff.seen import references
from deployer.model.observed import LiveObject, LiveService, Observed, Swarm
from deployer.model.stack import Body
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
from tests.literals.stacks import with_template
from tests.literals.swarm import change_swarm
from tests.model_cluster.step import run_step
from tests.model_cluster.swarm import get_swarm


@run_step.register
def create_object(operation: CreateObject, seen: Observed, manager: str) -> Observed:
    swarm = get_swarm(seen, manager)
    kind, name, body = operation.kind, operation.name, operation.body
    assert (kind, name) not in {(one.kind, one.name) for one in swarm.objects}, f"there is a {kind} {name} already"
    made = LiveObject(kind, f"id-{name}", name, body["Labels"], body)
    return change_swarm(seen, objects=(*swarm.objects, made))


@run_step.register
def remove_object(operation: RemoveObject, seen: Observed, manager: str) -> Observed:
    swarm = get_swarm(seen, manager)
    used = {target for one in swarm.services for _, target in references(one.spec)}
    assert not {operation.id, operation.name} & used, f"{operation.kind} {operation.name} is removed while it is used"
    left = tuple(one for one in swarm.objects if (one.kind, one.id) != (operation.kind, operation.id))
    assert len(left) == len(swarm.objects) - 1
    return change_swarm(seen, objects=left)


@run_step.register
def replace_network(operation: ReplaceNetwork, seen: Observed, manager: str) -> Observed:
    without = run_step(RemoveObject("network", operation.stack, operation.name, operation.id), seen, manager)
    return run_step(CreateObject("network", operation.stack, operation.name, operation.body), without, manager)


@run_step.register
def create_service(operation: CreateService, seen: Observed, manager: str) -> Observed:
    swarm = get_swarm(seen, manager)
    assert operation.name not in {one.name for one in swarm.services}
    made = store_service(swarm, f"id-{operation.name}", 1, operation.body)
    return change_swarm(seen, services=(*swarm.services, made))


@run_step.register
def update_service(operation: UpdateService, seen: Observed, manager: str) -> Observed:
    swarm, was = get_swarm(seen, manager), operation.seen
    assert was in swarm.services, "it is not as the plan saw it"
    assert was.spec["Mode"].keys() == operation.body["Mode"].keys(), "engines refuse to change the mode"
    return _exchange(seen, swarm, was, store_service(swarm, was.id, was.version + 1, operation.body))


@run_step.register
def remove_service(operation: RemoveService, seen: Observed, manager: str) -> Observed:
    swarm = get_swarm(seen, manager)
    assert operation.seen in swarm.services, "it is not as the plan saw it"
    return _exchange(seen, swarm, operation.seen)


@run_step.register
def replace_service(operation: ReplaceService, seen: Observed, manager: str) -> Observed:
    without = run_step(RemoveService(operation.stack, operation.name, operation.seen), seen, manager)
    return run_step(CreateService(operation.stack, operation.name, operation.body), without, manager)


@run_step.register
def await_services(operation: AwaitServices, seen: Observed, manager: str) -> Observed:
    swarm = get_swarm(seen, manager)
    assert set(operation.services) <= {one.name for one in swarm.services}
    services = (_settle(one) if one.name in operation.services else one for one in swarm.services)
    return change_swarm(seen, services=tuple(services))


@run_step.register
def roll_back_stack(operation: RollBackStack, seen: Observed, manager: str) -> Observed:
    for back in operation.back:
        swarm = get_swarm(seen, manager)
        (live,) = (one for one in swarm.services if one.name == back.service)
        seen = _exchange(seen, swarm, live, _settle(replace(back.seen, version=live.version + 1)))
    swarm = get_swarm(seen, manager)
    return change_swarm(seen, services=tuple(one for one in swarm.services if one.name not in operation.created))


def store_service(swarm: Swarm, identifier: str, version: int, body: Body) -> LiveService:
    """A body as an engine stores it: names of networks become ids, configs must exist, defaults are filled in."""
    networks = {one.name: one.id for one in swarm.objects if one.kind == "network"}
    contents = {(one.kind, one.name) for one in swarm.objects if one.kind != "network"}
    assert {found for found in references(body) if found[0] != "network"} <= contents, "it refers to what is not there"
    attached = body["TaskTemplate"].get("Networks") or ()
    by_id = [{**one, "Target": networks.get(one["Target"], one["Target"])} for one in attached]
    mode: dict[str, Any] = dict(body["Mode"])
    if "Replicated" in mode:
        mode = {"Replicated": {"Replicas": mode["Replicated"].get("Replicas", 1)}}
    spec = {
        **with_template(body, Networks=by_id, Runtime="container"),
        "Mode": mode,
        "EndpointSpec": {"Mode": "vip", **(body.get("EndpointSpec") or {})},
    }
    wanted = mode["Replicated"]["Replicas"] if "Replicated" in mode else 1
    return LiveService(identifier, version, spec, 0, wanted, "updating" if version > 1 else "")


def _exchange(seen: Observed, swarm: Swarm, old: LiveService, *new: LiveService) -> Observed:
    return change_swarm(seen, services=(*(one for one in swarm.services if one.id != old.id), *new))


def _settle(live: LiveService) -> LiveService:
    """All of its tasks run, or have ended well, where they are to end."""
    done = live.wanted if live.finite else 0
    return replace(live, running=live.wanted - done, completed=done, failed=0, update_state="completed")
