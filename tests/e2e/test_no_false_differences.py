"""Every compose file of the tests, made on real engines and read back: nothing differs. The machines' is Debian 12's, 20.10; the other
is this machine's own, 26.1 where Debian 13's packages are (deployer sandbox engine), as a second daemon in a network of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deployer.compose import compile_stacks
from deployer.diff.cluster import diff
from deployer.execute.run import execute
from deployer.observe import observe
from deployer.plan.build import build_plan
from deployer.plan.stacks import CreateObject, CreateService
from deployer.remote import Link
from deployer.source import load
from tests.compose.conftest import stack_of
from tests.e2e.leftovers import FOLDER
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deployer.model.stack import Body, StackObjects
    from tests.e2e.standing import Standing

FOLDERS = Path(__file__).parents[1] / "compose/stacks"
NOWHERE = "node.labels.nowhere == yes"


def at_rest(body: Body) -> dict[str, Any]:
    """The service as it is, but that no machine suits it: images that there are not are not looked for."""
    template: dict[str, Any] = body["TaskTemplate"]
    placement: dict[str, Any] = template.get("Placement") or {}
    constraints = [*(placement.get("Constraints") or []), NOWHERE]
    return {**body, "TaskTemplate": {**template, "Placement": {**placement, "Constraints": constraints}}}


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> tuple[StackObjects, ...]:
    sources = [
        stack_of(
            f"same-{folder.name}",
            **{file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()},
        )
        for folder in sorted(FOLDERS.iterdir())
    ]
    compiled = compile_stacks(sources, cache=tmp_path_factory.mktemp("cache"))
    return tuple(replace(stack, services=tuple(at_rest(body) for body in stack.services)) for stack in compiled.objects)


@dataclass(frozen=True)
class Swarm:
    """One to compare on: a repository that has it, and how its manager runs a script."""

    repo: Path
    run: Callable[[str], str]


@pytest.fixture
def machines(cluster: Standing, monkeypatch: pytest.MonkeyPatch) -> Swarm:
    monkeypatch.setenv("XDG_STATE_HOME", cluster.env["XDG_STATE_HOME"])
    return Swarm(cluster.repo, lambda script: cluster.on("master", "sh", "-ec", script))


@pytest.fixture
def own(cluster: Standing, monkeypatch: pytest.MonkeyPatch) -> Iterator[Swarm]:
    """Not in pytest's own folder: the name of a socket has 107 bytes. All that the daemon makes goes with its network namespace."""
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    address = f"unix://{folder}/s"
    daemon = [
        "setpriv", "--pdeathsig", "TERM", "unshare", "--net", "--mount", "sh", "-c", 'ip link set lo up && exec "$@"', "sh",
        "dockerd", "--host", address, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid",
        "--bridge", "none", "--iptables=false", "--ip6tables=false",
    ]  # fmt: skip
    with (folder / "log").open("w") as log, subprocess.Popen(daemon, stdout=log, stderr=log) as process:
        try:
            monkeypatch.setenv("DOCKER_HOST", address)

            def run(script: str) -> str:
                return subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=True).stdout

            wait_until((folder / "s").exists, saw=(folder / "log").read_text)
            run("docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1")
            made = cluster.deployer("init", str(folder / "repo"))
            assert made.returncode == 0, made.stderr
            yield Swarm(folder / "repo", run)
        finally:
            process.terminate()
            process.wait(30)
            shutil.rmtree(folder)


@pytest.fixture(params=["machines", "own"])
def swarm(request: pytest.FixtureRequest) -> Swarm:
    chosen: Swarm = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def externals(swarm: Swarm, stacks: tuple[StackObjects, ...]) -> Iterator[None]:
    """What the files call external is there, and everything is gone afterwards."""
    wanted = sorted({external for stack in stacks for external in stack.external if external[0] != "volume"})
    made = [
        f"docker network create --driver overlay {name}"
        if kind == "network"
        else f"echo x | docker {kind} create {name} -"
        for kind, name in wanted
        if name not in {"host", "none", "bridge"}
    ]
    swarm.run("\n".join(f"{line} >/dev/null" for line in made) or "true")
    yield
    gone = [f"docker {kind} rm {name}" for kind, name in wanted if name not in {"host", "none", "bridge"}]
    names = " ".join(stack.stack for stack in stacks)
    again = f"for n in {names}; do docker stack rm $n; done"
    swarm.run("\n".join(f"{line} >/dev/null 2>&1 || true" for line in (again, again, *gone)))


def test_nothing_differs_after_it_was_made(swarm: Swarm, stacks: tuple[StackObjects, ...], externals: None) -> None:
    wanted = replace(
        load(swarm.repo, worktree=True),
        stacks=tuple(stack_of(stack.stack, compose="services: {}\n") for stack in stacks),
    )

    async def made_and_compared() -> tuple[list[str], list[str], int]:
        async with Link(wanted.cluster) as link:
            before = await observe(wanted.cluster, link)
            plan = build_plan(diff(wanted, stacks, before), wanted, stacks, before)
            makes = tuple(step for step in plan.steps if isinstance(step.operation, CreateObject | CreateService))
            numbers = {step.number for step in makes}
            steps = tuple(
                replace(
                    step,
                    needs=tuple(n for n in step.needs if n in numbers),
                    follows=tuple(n for n in step.follows if n in numbers),
                )
                for step in makes
            )
            report = await execute(replace(plan, steps=steps), link, lambda _: None, lambda _: None)
            failed = [f"{step.operation}: {report.outcome(step)}" for step in steps if not _done(report, step)]
            after = await observe(wanted.cluster, link)
            found = diff(wanted, stacks, after)
            differing = [str(change) for change in found.changes if getattr(change, "fields", ())]
            return failed, differing + [str(blocked) for blocked in found.blocked], len(steps)

    failed, differing, count = asyncio.run(made_and_compared())
    assert failed == []
    assert differing == []
    version = swarm.run("docker version --format '{{.Server.Version}}'").strip()
    print(f"{count} objects of {len(stacks)} stacks made on Engine {version}, 0 differ")
    assert count > 40


def _done(report: Any, step: Any) -> bool:
    return type(report.outcome(step)).__name__ == "Done"
