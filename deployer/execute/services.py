"""Networks, configs, secrets and services, written as the plan holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.docker import EngineError, segment
from deployer.errors import BusyError, DeployerError
from deployer.execute.pull import with_digest
from deployer.model import labels
from deployer.model.secret import revealed
from deployer.model.spec import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.docker import Engine
    from deployer.execute.world import World
    from deployer.plan.stacks import CreateObject, CreateService, UpdateService


ATTEMPTS: Final = 5


async def create_object(world: World, operation: CreateObject) -> str:
    async def create(engine: Engine) -> str:
        try:
            await engine.post(f"/{operation.kind}s/create", revealed(operation.body))
        except EngineError as error:
            if error.status != 409:
                raise
            # Somebody was faster: a run that was killed after this step, this one when the answer was lost, or another.
            present = await _present(engine, operation.kind, operation.name)
            if (present.get("Labels") or {}).get(labels.CLUSTER) != operation.body["Labels"][labels.CLUSTER]:
                raise
            return "already there"
        return ""

    return await world.patiently(create)


async def create_service(world: World, operation: CreateService) -> str:
    async def create(engine: Engine) -> str:
        body = await with_digest(world, operation.body)
        headers = await world.credentials.headers(ServiceSpec(body).image)
        try:
            told = await engine.post_with(headers, "/services/create", await _with_ids(engine, body))
        except EngineError as error:
            if error.status != 409:
                raise
            present = await _present(engine, "service", operation.name)
            if not _same_definition(present, body):
                raise BusyError(
                    f"service {operation.name} was created by somebody else since the plan was made",
                    help="run apply again",
                ) from None
            return "already there"
        world.made[operation.name] = str(told["ID"])
        return ""

    world.created.add(operation.name)
    done = await world.patiently(create)
    world.written.add(operation.name)
    return done


async def update_service(world: World, operation: UpdateService) -> str:
    """Write the new spec, but only over the spec that the plan saw: this compare-and-swap is what makes a run correct.

    A rolling update raises the version without touching the spec; then the same body is tried with the new version
    (moby#39891, swarmkit#1379).
    """
    await world.patiently(lambda _: world.before())
    version = operation.seen.version
    path = f"/services/{segment(operation.seen.id)}"

    async def update(engine: Engine) -> str:
        nonlocal version
        body = await _with_ids(engine, operation.body)
        headers = await world.credentials.headers(ServiceSpec(body).image)
        for _ in range(ATTEMPTS):
            try:
                await engine.post_with(headers, f"{path}/update", body, version=version)
            except EngineError as error:
                if "out of sequence" not in error.message:
                    raise
            else:
                return ""
            present = await engine.get(path)
            if present["Spec"] != operation.seen.spec:
                if _same_definition(present["Spec"], body) and not _same_definition(operation.seen.spec, body):
                    return "already so"  # written by this very step: the answer was lost
                raise BusyError(
                    f"service {operation.name} was changed by somebody else since the plan was made",
                    help="run apply again",
                )
            version = present["Version"]["Index"]
        raise BusyError(f"service {operation.name} changes too often to be updated", help="see who else writes to it")

    done = await world.patiently(update)
    world.written.add(operation.name)
    return done


def _same_definition(spec: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether the live spec was made from this body: by whom does not matter, the labels name the content."""
    kept = spec.get("Labels") or {}
    return all(kept.get(key) == body["Labels"].get(key) for key in (labels.CLUSTER, labels.HASH, labels.DIGEST))


async def _present(engine: Engine, kind: str, name: str) -> Mapping[str, Any]:
    found: dict[str, Any] = await engine.get(f"/{kind}s/{segment(name)}")
    spec: Mapping[str, Any] = found.get("Spec", found)
    return spec


async def _with_ids(engine: Engine, body: Mapping[str, Any]) -> dict[str, Any]:
    """As it is sent: references to configs and secrets by id as well as by name (swarmkit wants both), secrets in the clear."""
    spec = ServiceSpec(body)
    container = dict(spec.container)
    for kind, path, word in (("Configs", "/configs", "Config"), ("Secrets", "/secrets", "Secret")):
        references = container.get(kind) or []
        if not references:
            continue
        names = sorted({str(reference[f"{word}Name"]) for reference in references})
        listed = await engine.get(path, filters={"name": names})  # names that begin so, too
        ids = {told["Spec"]["Name"]: told["ID"] for told in listed}
        missing = [name for name in names if name not in ids]
        if missing:
            raise DeployerError(f"{word.lower()} {', '.join(missing)} does not exist")
        container[kind] = [{**reference, f"{word}ID": ids[reference[f"{word}Name"]]} for reference in references]
    sent: dict[str, Any] = revealed(spec.with_container(container).raw)
    return sent
