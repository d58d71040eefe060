"""Images of the stacks' own files: built on one machine by Docker's own client, then pushed, or sent to the others.

The client speaks to the machine's engine through its forwarded socket. A build reads files that others wrote, so it runs in a cage, with
the credentials of its bases' registries; pushing and sending read none, and have the configuration of whoever runs this.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from python_on_whales import DockerClient
from python_on_whales.exceptions import DockerException

from deployer.cage.switch import unconfined
from deployer.docker.caged import caged_docker
from deployer.docker.engine import SOCKET
from deployer.errors import DeployerError
from deployer.execute.dockerfile import bases
from deployer.execute.pull import ensure_image
from deployer.plan.images import BuildStackImage, PushImage, SendImage
from deployer.remote.forward import forwarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deployer.execute.world import World
    from deployer.plan.images import ImageOperation


LOG_LINES: Final = 10


class BuildFailedError(DeployerError):
    """Docker's client ended badly; `log` holds its last lines."""

    def __init__(self, what: str, said: str) -> None:
        lines = [line for line in said.splitlines() if line.strip()]
        super().__init__(f"{what} failed" + (f": {lines[-1].strip()}" if lines else ""))
        self.log = tuple(lines[-LOG_LINES:])


async def perform(operation: ImageOperation, world: World, tell: Callable[[str], None]) -> str:
    """Do it; a few words on the result. Raises DeployerError with the reason where it cannot be done."""
    match operation:
        case BuildStackImage():
            done = await build_stack_image(world, operation, tell)
        case PushImage():
            done = await push_image(world, operation)
        case SendImage():
            done = await send_image(world, operation)
    return done


async def build_stack_image(world: World, operation: BuildStackImage, tell: Callable[[str], None]) -> str:
    """Build it, with BuildKit. Its bases are pulled by the engine itself before: that knows mirrors which BuildKit cannot use."""
    engine = await world.engine(operation.node)
    build = operation.build
    found = bases(operation.dockerfile.decode(errors="replace"), dict(build.args))
    for base in found:
        with contextlib.suppress(DeployerError):  # the build says what is missing
            await ensure_image(world, engine, base, tell)
    auths = await world.credentials.of(found)
    loop = asyncio.get_running_loop()

    def run(socket: str) -> None:
        with _write_context(operation) as folder, caged_docker(Path(folder), socket, auths, {}) as call:
            client = _client(socket, call)
            lines = client.buildx.build(
                Path(folder, "context"),
                file=Path(folder, "Dockerfile"),
                tags=[build.image],
                build_args=dict(build.args),
                labels=dict(build.labels),
                target=build.target or None,
                platforms=[build.platform] if build.platform else None,
                builder="default",  # that engine's own: one that the user has chosen for everything may be this machine's
                progress="plain",
                provenance=False,
                stream_logs=True,
            )
            for line in lines:
                if line.strip():
                    loop.call_soon_threadsafe(tell, line.rstrip())

    async with forwarded(await world.link.to(operation.node), SOCKET) as socket:
        await _in_thread(f"building {build.image}", run, socket)
    if note := unconfined():
        tell(note)
    return ""


async def push_image(world: World, operation: PushImage) -> str:
    if advice := world.credentials.advice(operation.image):
        raise DeployerError(f"pushing {operation.image} takes this account's credentials for its registry", help=advice)
    async with forwarded(await world.link.to(operation.node), SOCKET) as socket:
        await _in_thread(
            f"pushing {operation.image}", lambda at: _client(at).image.push(operation.image, quiet=True), socket
        )
    return ""


async def send_image(world: World, operation: SendImage) -> str:
    """From engine to engine, as it is read: nothing of it is kept here."""
    source, target = await world.link.to(operation.source), await world.link.to(operation.node)

    async with forwarded(source, SOCKET) as here, forwarded(target, SOCKET) as there:

        def run(socket: str) -> None:
            chunks: Iterator[bytes] = _client(socket).image.save([operation.image])
            _client(there).image.load(chunks, quiet=True)

        await _in_thread(f"sending {operation.image} from {operation.source}", run, here)
    return ""


def _client(socket: str, call: list[str] | None = None) -> Any:
    """`call` is how docker is started; by default as whoever runs this would."""
    return DockerClient(client_call=call or ["docker"], host=f"unix://{socket}")


async def _in_thread(what: str, run: Callable[[str], object], socket: str) -> None:
    try:
        await asyncio.to_thread(run, socket)
    except DockerException as error:
        raise BuildFailedError(what, error.stderr or "") from None


@contextlib.contextmanager
def _write_context(operation: BuildStackImage) -> Iterator[str]:
    """The context and the Dockerfile in a private folder, as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="deployer-") as folder:
        context = Path(folder, "context")
        context.mkdir()
        for file in operation.files:
            path = context / file.path
            if not path.resolve().is_relative_to(context.resolve()):
                raise ValueError(file.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
            path.chmod(0o755 if file.executable else 0o644)
        Path(folder, "Dockerfile").write_bytes(operation.dockerfile)
        yield folder
