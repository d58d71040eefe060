"""Make Docker usable on this machine: engine, client, Compose plugin, buildx; each is looked for by itself.

An engine that runs is never touched. What is missing comes from Debian's packages; FACTS for the recipe: Debian 13's
`docker.io`, `docker-cli`, `docker-compose` and `docker-buildx` run on Debian 12 with Debian 12's `runc`.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import shutil
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.sandbox import packages
from deployer.sandbox.process import must, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULT_SOCKET = Path("/var/run/docker.sock")
LOG = Path("/var/log/deployer-dockerd.log")
LOCK = Path("/run/lock/deployer-engine.lock")
START_SECONDS = 60.0
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Parts:
    """What of Docker is here: the engine's version ("" where none answers), and which parts of the client work."""

    engine: str
    client: bool
    compose: bool
    buildx: bool

    @property
    def missing(self) -> tuple[str, ...]:
        there = {"engine": self.engine, "client": self.client, "compose plugin": self.compose, "buildx": self.buildx}
        return tuple(name for name, found in there.items() if not found)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def engine_socket() -> Path:
    """The local engine's socket: DOCKER_HOST where it names one; raises DeployerError where that is another machine."""
    host = os.environ.get("DOCKER_HOST", "")
    if not host:
        return DEFAULT_SOCKET
    if host.startswith("unix://"):
        return Path(host.removeprefix("unix://"))
    raise DeployerError(
        f"DOCKER_HOST is {host}: the sandbox's machines live on this machine's own engine",
        help="unset DOCKER_HOST",
    )


def engine_version(path: Path) -> str:
    """The version of the engine at the socket `path`; raises OSError where none answers within five seconds."""
    connection = _UnixConnection(path, 5)
    try:
        connection.request("GET", "/version")
        return str(json.loads(connection.getresponse().read())["Version"])
    except (http.client.HTTPException, ValueError, KeyError) as error:
        raise OSError(f"{path} is no Docker engine's socket") from error
    finally:
        connection.close()


def find_parts() -> Parts:
    """Look for each part by itself; reads only."""
    try:
        engine = engine_version(engine_socket())
    except OSError:
        engine = ""
    return Parts(
        engine=engine,
        client=shutil.which("docker") is not None,
        compose=run(("docker", "compose", "version")).returncode == 0,
        buildx=run(("docker", "buildx", "version")).returncode == 0,
    )


def engine_silent_reason() -> str | None:
    """Why no engine can be spoken to, in one line; None where one answers."""
    try:
        path = engine_socket()
        engine_version(path)
    except DeployerError as error:
        return error.message
    except PermissionError:
        return f"{path}: permission denied (join the group docker, or be root)"
    except OSError:
        return f"no Docker engine answers at {path}"
    return None


def engine_missing_reason() -> str | None:
    """Why no sandbox can run here, in one line; None where Docker is complete. Installs nothing."""
    if reason := engine_silent_reason():
        return reason
    missing = find_parts().missing
    return f"Docker's {', '.join(missing)} missing" if missing else None


def ensure_engine(say: Callable[[str], None]) -> None:
    """Make engine, client, Compose plugin and buildx work; `say` gets a line a step.

    Raises DeployerError naming what is missing where it cannot be installed, or where the engine does not start.
    """
    if engine_missing_reason() is None:
        return
    with only_one(LOCK, "Docker: another run is setting it up; waiting for it", say):
        parts = find_parts()
        _install(parts, say)
        if not parts.engine:
            _start(say)
        if reason := engine_missing_reason():
            raise DeployerError(f"Docker was installed, and yet: {reason}", help=f"see {LOG}")


def _install(parts: Parts, say: Callable[[str], None]) -> None:
    engine_program = shutil.which("dockerd", path=SYSTEM_PATH)
    docker = [
        name
        for name, there in (
            ("docker.io", parts.engine or engine_program),
            ("docker-cli", parts.client),
            ("docker-compose", parts.compose),
            ("docker-buildx", parts.buildx),
        )
        if not there
    ]
    if not docker:
        return
    if reason := packages.why_not():
        raise DeployerError(
            f"Docker's {', '.join(parts.missing)} missing, and {reason}",
            help="install Docker with its compose and buildx plugins (https://docs.docker.com/engine/install), or run this as root on Debian",
        )
    plain = (
        [] if shutil.which("mmdebstrap") else ["mmdebstrap"]
    )  # for the base image; docker.io itself depends on iptables
    say(f"Docker: missing {', '.join(parts.missing)}; installing {' '.join([*docker, *plain])} from Debian's packages")
    packages.install(plain, docker, say)


def _start(say: Callable[[str], None]) -> None:
    path = engine_socket()
    if _answers(path):  # the package's own scripts may have started it
        return
    say("Docker: starting the engine")
    if Path("/run/systemd/system").is_dir():
        must(("systemctl", "start", "docker"), failing="the engine did not start", seconds=120)
        where = "see: journalctl -u docker"
    else:
        dockerd = shutil.which("dockerd", path=SYSTEM_PATH) or "dockerd"
        log_from = LOG.stat().st_size if LOG.exists() else 0
        # A session of its own: it lives on when this program, or the terminal, ends.
        must(
            ("setsid", "--fork", "sh", "-c", 'exec "$0" >>"$1" 2>&1', dockerd, str(LOG)),
            failing="the engine did not start",
        )
        where = str(LOG)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(path):
        if time.monotonic() > deadline:
            last = LOG.read_bytes()[log_from:].decode(errors="replace").splitlines()[-12:] if where == str(LOG) else []
            raise DeployerError(f"the engine did not answer within {START_SECONDS:g} s", help="\n".join([*last, where]))
        time.sleep(0.1)
    say(f"Docker: engine {engine_version(path)} answers at {path}")


def _answers(path: Path) -> bool:
    try:
        return bool(engine_version(path))
    except OSError:
        return False


@contextmanager
def only_one(lock: Path, waiting: str, say: Callable[[str], None]) -> Iterator[None]:
    """Of two runs of root at once the second says that it is `waiting`, and finds everything there when it goes on."""
    if os.geteuid() != 0:
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
