"""Machines that answer, refuse or hang, on the loopback: what this program adds to what `ssh` itself takes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError, TimedOutError
from deployer.machines.quick import keep
from deployer.model.cluster import Ssh
from deployer.model.command import Command
from deployer.remote.by_openssh import connect as connect_by_openssh
from deployer.remote.ssh import connect
from tests.bench.cases import Sides, case
from tests.bench.figures import WALL, Measure
from tests.bench.surroundings import SSH, deployer, repository
from tests.bench.timing import clock, run, spend
from tests.fakes import node
from tests.fakes import run as run_async
from tests.machines.engines import ALONE, closed, mute, served
from tests.remote.sshd import HOST_KEY, USER_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.cases import Place
    from tests.bench.figures import Sample
    from tests.e2e.standing import Standing

GOOD, HANGING, MUTE, REFUSING = 25, 5, 10, 10
SECONDS: Final = 5
BEYOND: Final = Measure("beyond its time-out", "s")


def identity(folder: Path) -> Path:
    path = folder / "id"
    path.write_bytes(USER_KEY.export_private_key())
    path.chmod(0o600)
    return path


def plain_ssh(folder: Path, port: int, *options: str) -> list[str]:
    """OpenSSH's client to one of these servers; its files are in the folder."""
    host_key = HOST_KEY.export_public_key().decode()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    return [
        "ssh", "-F", "none", "-i", str(folder / "id"), "-p", str(port), "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={folder / 'known_hosts'}", *options, "root@127.0.0.1",
    ]  # fmt: skip


@case(
    "machine ssh, without what ssh itself takes",
    peer="the stand-in for ssh alone, which does nothing",
    claim="issue 6: under 0.06 s more than ssh",
    rounds=10,
)
def _enter(place: Place) -> Iterator[Sides]:
    nodes = {"cluster/nodes/web.yaml": "address: 192.0.2.1\nswarm: none\n"}
    standing = repository(place, "enter", nodes)
    programs = place.new_folder("programs")
    (programs / "ssh").symlink_to("/bin/true")
    standing.env["PATH"] = f"{programs}:{standing.env['PATH']}"
    with contextlib.ExitStack() as stack:
        before = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = standing.env["XDG_CACHE_HOME"]
        stack.callback(_set, "XDG_CACHE_HOME", before)
        keep(str(standing.repo), standing.git("rev-parse", "HEAD"), "web", ("ssh", "192.0.2.1"), ())
    yield Sides(
        lambda: deployer(standing, "machine", "ssh", "web", "true"),
        lambda: spend([str(programs / "ssh")], cwd=standing.repo, env=standing.env),
    )


def _set(name: str, value: str | None) -> None:
    if value is None:
        del os.environ[name]
    else:
        os.environ[name] = value


@contextlib.contextmanager
def fifty_ports() -> Iterator[list[int]]:
    """25 machines that answer, 5 whose engine hangs, 10 that say nothing at all, 10 at whose port nobody listens."""
    with served(*[ALONE] * GOOD, *[None] * HANGING, commands=True) as ports, contextlib.ExitStack() as stack:
        ports.extend(stack.enter_context(mute()) for _ in range(MUTE))
        while len(ports) < GOOD + HANGING + MUTE + REFUSING:
            port = closed()
            ports.extend([port] if port not in ports else [])
        yield ports


def plain_true(place: Place, ports: list[int]) -> Sample:
    """`ssh HOST true` on all of them at once."""
    folder = place.new_folder("plain")
    identity(folder)
    clients = [plain_ssh(folder, port, "-o", f"ConnectTimeout={SECONDS}") for port in ports]
    key = HOST_KEY.export_public_key().decode()
    (folder / "known_hosts").write_text("".join(f"[127.0.0.1]:{port} {key}" for port in ports))

    def plain() -> None:
        started = [
            subprocess.Popen([*argv, "true"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for argv in clients
        ]
        codes = [one.wait(60) for one in started]
        assert codes.count(0) == GOOD + HANGING, codes

    return clock(plain)


def fifty(place: Place, ports: list[int]) -> Standing:
    """A repository that names a machine for each port."""
    nodes = {
        f"cluster/nodes/m{number}.yaml": f"address: 127.0.0.1\nswarm: none\nssh: {{port: {port}}}\n"
        for number, port in enumerate(ports)
    }
    key = identity(place.new_folder("key"))
    cluster = f"name: many\nssh: {{user: root, identity_file: {key}, connect_timeout: {SECONDS}}}\nengine: {{install: none}}\n"
    known = f"127.0.0.1 {HOST_KEY.export_public_key().decode()}"
    return repository(place, "fifty", {"cluster/cluster.yaml": cluster, "cluster/known_hosts": known, **nodes})


@case(
    f"machine ls of 50 machines, {HANGING + MUTE} of which hang (--timeout {SECONDS}s)",
    peer=f"fifty `ssh -o ConnectTimeout={SECONDS} HOST true` at once",
    claim="docs: takes as long as one that hangs",
    needs=(SSH,),
    rounds=3,
    warm_up=False,
)
def _list(place: Place) -> Iterator[Sides]:
    with fifty_ports() as ports:
        standing = fifty(place, ports)

        def ours() -> Sample:
            listed = [*standing.argv, "machine", "ls", "--json", "--timeout", str(SECONDS)]
            ran = run(listed, cwd=standing.repo, env=standing.env)
            states = [one["state"] for one in json.loads(ran.stdout)["machines"]]
            assert states.count("Running") == GOOD, states
            assert states.count("Timeout") == HANGING + MUTE, states
            return {WALL: ran.sample[WALL]}

        yield Sides(ours, lambda: plain_true(place, ports))


@case("a server that takes connections and says nothing, given up", peer="ssh -o ConnectTimeout=1", needs=(SSH,),
      claim="it costs connect_timeout once", rounds=3, warm_up=False)  # fmt: skip
def _silent(place: Place) -> Iterator[Sides]:
    folder = place.new_folder("silent")
    identity(folder)
    with mute() as port:

        async def give_up() -> None:
            try:
                await connect(node(ssh=Ssh(port=port, connect_timeout=1.0)), "")
            except DeployerError:
                return
            raise AssertionError("it was let in")

        argv = plain_ssh(folder, port, "-o", "ConnectTimeout=1")
        yield Sides(
            lambda: {BEYOND: clock(lambda: run_async(give_up(), 60))[WALL] - 1},
            lambda: {BEYOND: spend([*argv, "true"], cwd=folder, env=os.environ, codes=(255,))[WALL] - 1},
        )


@case("a command over there that takes too long, ended", peer="ssh HOST timeout 1 sleep 60", needs=(SSH,),
      rounds=3, warm_up=False)  # fmt: skip
def _too_long(place: Place) -> Iterator[Sides]:
    folder = place.new_folder("long")
    with served(ALONE, commands=True) as (port,):
        key = identity(folder)
        argv = [*plain_ssh(folder, port), "timeout", "1", "sleep", "60"]

        async def ended() -> None:
            at = node(ssh=Ssh(user="root", port=port, identity_file=str(key), client="openssh"))
            connection = await connect_by_openssh(at, f"[127.0.0.1]:{port} {HOST_KEY.export_public_key().decode()}")
            try:
                await connection.run(Command(("sleep", "60"), timeout=1))
            except TimedOutError:
                return
            finally:
                await connection.close()
            raise AssertionError("it ended by itself")

        yield Sides(
            lambda: {BEYOND: clock(lambda: run_async(ended(), 60))[WALL] - 1},
            lambda: {BEYOND: spend(argv, cwd=folder, env=os.environ, codes=(124,))[WALL] - 1},
        )
