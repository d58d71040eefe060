"""Steps of stacks: networks, configs, secrets, services; the bodies are sent as the plan holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.docker import EngineError, segment
from deployer.errors import BusyError, DeployerError
from deployer.model import labels
from deployer.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.plan.operations import CreateObject, CreateService, UpdateService

ATTEMPTS: Final = 5


async def create_object(world: World, operation: CreateObject, _: Callable[[str], None]) -> str:
    engine = await world.manager()
    try:
        await engine.post(f"/{operation.kind}s/create", _revealed(operation.body))
    except EngineError as error:
        if error.status != 409:
            raise
        # Somebody was faster: a run that was killed after this step, or another one.
        present = await _present(engine, operation.kind, operation.name)
        if (present.get("Labels") or {}).get(labels.CLUSTER) != operation.body["Labels"][labels.CLUSTER]:
            raise
        return "already there"
    return ""


async def create_service(world: World, operation: CreateService, _: Callable[[str], None]) -> str:
    engine = await world.manager()
    body = await _with_ids(engine, operation.body)
    world.written.add(operation.name)
    try:
        await engine.post("/services/create", body)
    except EngineError as error:
        if error.status != 409:
            raise
        present = await engine.get(f"/services/{segment(operation.name)}")
        if (present["Spec"].get("Labels") or {}).get(labels.HASH) != operation.body["Labels"][labels.HASH]:
            raise BusyError(f"service {operation.name} was created by somebody else since the plan was made") from None
        return "already there"
    return ""


async def update_service(world: World, operation: UpdateService, _: Callable[[str], None]) -> str:
    """The compare-and-swap that makes a run correct: written only over the spec that the plan saw.

    A rolling update raises the version without touching the spec; then the same body is tried with the new version
    (moby#39891, swarmkit#1379).
    """
    engine = await world.manager()
    body = await _with_ids(engine, operation.body)
    world.written.add(operation.name)
    version = operation.seen.version
    for _attempt in range(ATTEMPTS):
        try:
            await engine.post(f"/services/{segment(operation.seen.id)}/update", body, version=version)
        except EngineError as error:
            if "out of sequence" not in error.message:
                raise
        else:
            return ""
        present = await engine.get(f"/services/{segment(operation.seen.id)}")
        if present["Spec"] != operation.seen.spec:
            raise BusyError(
                f"service {operation.name} was changed by somebody else since the plan was made", help="run apply again"
            )
        version = present["Version"]["Index"]
    raise BusyError(f"service {operation.name} changes too often to be updated", help="see who else writes to it")


async def _present(engine: Engine, kind: str, name: str) -> Mapping[str, Any]:
    found: dict[str, Any] = await engine.get(f"/{kind}s/{segment(name)}")
    spec: Mapping[str, Any] = found.get("Spec", found)
    return spec


def _revealed(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as it is sent: secrets in the clear, here and nowhere else."""
    return {key: value.reveal() if isinstance(value, Secret) else value for key, value in body.items()}


async def _with_ids(engine: Engine, body: Mapping[str, Any]) -> dict[str, Any]:
    """References to configs and secrets by id as well as by name: swarmkit wants both."""
    template: dict[str, Any] = dict(body.get("TaskTemplate") or {})
    container: dict[str, Any] = dict(template.get("ContainerSpec") or {})
    for kind, path, word in (("Configs", "/configs", "Config"), ("Secrets", "/secrets", "Secret")):
        references = container.get(kind) or []
        if not references:
            continue
        listed = await engine.get(path)
        ids = {told["Spec"]["Name"]: told["ID"] for told in listed}
        missing = sorted({reference[f"{word}Name"] for reference in references} - set(ids))
        if missing:
            raise DeployerError(f"{word.lower()} {', '.join(missing)} does not exist")
        container[kind] = [{**reference, f"{word}ID": ids[reference[f"{word}Name"]]} for reference in references]
    return {**body, "TaskTemplate": {**template, "ContainerSpec": container}}
