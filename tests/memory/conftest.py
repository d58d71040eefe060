"""A repository with three commits, and a report that a run of one of them might have."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from deployer.diff.cause import Cause
from deployer.memory.asked import Asked
from deployer.memory.record import Record
from deployer.model.run import Scope
from deployer.plan.outcome import Done, Failed, Report
from deployer.plan.stacks import CreateService
from deployer.plan.steps import Plan, Step
from tests.source.conftest import GOOD, Repo, _own_git, clean

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.memory.asked import Move

__all__ = ["_own_git"]


def stack(image: str, name: str = "web") -> dict[str, str]:
    return {f"stacks/{name}/compose.yaml": f"services:\n  {name}:\n    image: {image}\n"}


def plan_of(commit: str, *, steps: int = 1) -> Plan:
    made = (
        Step(n, CreateService("web", f"web_{n}", {"Name": f"web_{n}"}), Cause.NOT_FOUND) for n in range(1, steps + 1)
    )
    return Plan("test", commit, tuple(made))


def report_of(plan: Plan, *, ok: bool = True) -> Report:
    outcome = Done(0.1) if ok else Failed(0.1, "image not found", ("pull access denied",))
    return Report(plan, {step.number: outcome for step in plan.steps}, 1.5)


@dataclass
class Remembering:
    repo: Repo
    commits: list[str]
    said: list[str] = field(default_factory=list)
    count: int = 0

    def ran(self, commit: str, *, ok: bool = True, steps: int = 1, asked: Asked | None = None, scope: Scope = Scope(),  # noqa: B008 - frozen
            secrets: tuple[str, ...] = (), move: Move | None = None) -> bool:  # fmt: skip
        record = self.record(asked, scope, secrets, move)
        plan = plan_of(commit, steps=steps)
        record.begin(plan)
        return record.end(report_of(plan, ok=ok))

    def record(
        self,
        asked: Asked | None = None,
        scope: Scope | None = None,
        secrets: tuple[str, ...] = (),
        move: Move | None = None,
    ) -> Record:
        self.count += 1
        asked = replace(asked or Asked(who="ann"), run=f"20260822-1415{self.count:02}-7f3a", move=move)
        return Record(self.repo.path, "test", asked, self.said.append, scope=scope or Scope(), secrets=secrets)

    def ref(self, name: str) -> str:
        found = self.repo.git("for-each-ref", "--format=%(objectname)", f"refs/deployer/test/{name}")
        return found.strip()


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repo, list[str]]:
    """Copied for each test: git takes its time."""
    made = Repo(tmp_path_factory.mktemp("memory") / "repo")
    made.path.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        clean(patch, tmp_path_factory)
        made.git("init", "-q", "-b", "main")
        return made, [made.commit({**GOOD, **stack(f"nginx:{number}")}) for number in range(3)]


@pytest.fixture
def remembering(tmp_path: Path, _made: tuple[Repo, list[str]]) -> Remembering:
    shutil.copytree(_made[0].path, tmp_path / "repo")
    return Remembering(Repo(tmp_path / "repo"), list(_made[1]))
