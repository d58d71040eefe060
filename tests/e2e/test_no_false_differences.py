"""Every compose file of the tests, made on the real engine and read back: nothing differs. (Engine 26.1: tests/diff/test_body.py.)"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deployer.compose import compile_stacks
from deployer.diff import diff
from deployer.execute import execute
from deployer.observe import observe
from deployer.plan import build_plan
from deployer.plan.operations import CreateObject, CreateService
from deployer.remote import Link
from deployer.source import load
from tests.compose.conftest import stack_of

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture
def externals(cluster: Standing, stacks: tuple[StackObjects, ...]) -> Iterator[None]:
    """What the files call external is there, and everything is gone afterwards."""
    wanted = sorted({external for stack in stacks for external in stack.external if external[0] != "volume"})
    made = [
        f"docker network create --driver overlay {name}"
        if kind == "network"
        else f"echo x | docker {kind} create {name} -"
        for kind, name in wanted
        if name not in {"host", "none", "bridge"}
    ]
    cluster.on("master", "sh", "-ec", "\n".join(f"{line} >/dev/null" for line in made) or "true")
    yield
    gone = [f"docker {kind} rm {name}" for kind, name in wanted if name not in {"host", "none", "bridge"}]
    names = " ".join(stack.stack for stack in stacks)
    again = f"for n in {names}; do docker stack rm $n; done"
    cluster.on("master", "sh", "-c", "\n".join(f"{line} >/dev/null 2>&1" for line in (again, again, *gone)) + "\ntrue")


def test_nothing_differs_after_it_was_made(
    cluster: Standing, stacks: tuple[StackObjects, ...], externals: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", cluster.env["XDG_STATE_HOME"])
    wanted = replace(
        load(cluster.repo),
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
    print(f"{count} objects of {len(stacks)} stacks made, 0 differ")
    assert count > 40


def _done(report: Any, step: Any) -> bool:
    return type(report.outcome(step)).__name__ == "Done"
