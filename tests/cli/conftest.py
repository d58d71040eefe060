"""The command line with a workflow that returns what the test says."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import deployer
from deployer.cli.app import app
from deployer.cli.errors import run
from deployer.diff import Cause
from deployer.model.cluster import Cluster
from deployer.model.desired import Desired
from deployer.model.stack import StackObjects
from deployer.model.status import Status
from deployer.plan import Began, Done, Ended, Plan, Report, Step
from deployer.plan.operations import CreateObject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.model.problem import Problem

COMMIT = "1a2b3c4d5e" + "0" * 30
PLAN = Plan("sandbox", COMMIT, (Step(1, CreateObject("network", "web", "web_default", {}), Cause.NOT_FOUND),), (), 4)


@dataclass(frozen=True)
class Source:
    repo: Path
    rev: str = "HEAD"
    worktree: bool = False
    staged: bool = False
    only: tuple[str, ...] = ()
    stacks: tuple[tuple[str, str], ...] = ()
    strict: bool = False


@dataclass(frozen=True)
class Validated:
    desired: Desired
    objects: tuple[StackObjects, ...]
    warnings: tuple[Problem, ...]


@dataclass
class FakeWorkflow:
    """Each answer is a value to return or an exception to raise."""

    plan: Any = PLAN
    report: Any = field(default_factory=lambda: Report(PLAN, {1: Done(0.25)}, 1.5))
    status: Any = field(default_factory=lambda: Status("sandbox", COMMIT, (), ()))
    validated: Any = field(
        default_factory=lambda: Validated(
            Desired(COMMIT, Cluster("sandbox", (), None, ""), ()),
            (StackObjects("web", (), (), (), ({"Name": "web_api"},)),),
            (),
        )
    )
    asked: list[Any] = field(default_factory=list)
    """The sources that were asked for, and `wait_lock`."""
    reasons: list[str] = field(default_factory=list)

    def module(self) -> ModuleType:
        module: Any = ModuleType("deployer.workflow")
        module.Source = Source
        module.validate = lambda source, say: self._answer(self.validated, source, say)
        module.plan = lambda source, say, _: self._answer(self.plan, source, say)
        module.status = lambda source, say: self._answer(self.status, source, say)
        module.apply = self._apply
        made: ModuleType = module
        return made

    def _apply(
        self, source: Source, say: Any, show: Any, listen: Any, *, wait_lock: float = 0, asked: Any = None, **_: Any
    ) -> Report:
        self.asked.append(wait_lock)
        self.reasons.append(asked.reason if asked else "")
        report: Report = self._answer(self.report, source, say)
        show(report.plan)
        for step in report.plan.steps:
            listen(Began(step))
            listen(Ended(step, report.outcome(step)))
        return report

    def _answer(self, answer: Any, source: Source, say: Callable[[str], None]) -> Any:
        self.asked.append(source)
        say("asking 0 machines")
        if isinstance(answer, BaseException):
            raise answer
        return answer


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch) -> FakeWorkflow:
    fake = FakeWorkflow()
    module = fake.module()
    monkeypatch.setitem(sys.modules, "deployer.workflow", module)
    monkeypatch.setattr(deployer, "workflow", module, raising=False)
    monkeypatch.setitem(sys.modules, "deployer.validation", module)
    monkeypatch.setattr(deployer, "validation", module, raising=False)
    return fake


@pytest.fixture
def cli(
    workflow: FakeWorkflow, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Ran]:
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "DEPLOYER_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "100")

    def call(*argv: str) -> Ran:
        code = run(app, argv)
        return Ran(code, *capsys.readouterr())

    return call
