"""The command line with a workflow that returns what the test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from deployer.cli.app import app
from deployer.cli.errors import run
from deployer.diff.cause import Cause
from deployer.model.cluster import Cluster
from deployer.model.desired import Desired
from deployer.model.stack import StackObjects
from deployer.model.status import Status
from deployer.plan.outcome import Began, Done, Ended, Report
from deployer.plan.stacks import CreateObject
from deployer.plan.steps import Plan, Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.model.problem import Problem
    from deployer.workflow.run import Audience, Trigger
    from deployer.workflow.validate import Source

COMMIT = "1a2b3c4d5e" + "0" * 30
PLAN = Plan("sandbox", COMMIT, (Step(1, CreateObject("network", "web", "web_default", {}), Cause.NOT_FOUND),), (), 4)


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

    def modules(self) -> dict[str, dict[str, Any]]:
        return {
            "validate": {"validate": lambda source, say: self._answer(self.validated, source, say)},
            "plan": {"plan": self._plan},
            "status": {"status": self._status},
            "apply": {"apply": self._apply},
        }

    async def _plan(self, source: Source, say: Any, _: Any) -> Any:
        return self._answer(self.plan, source, say)

    async def _status(self, source: Source, say: Any) -> Any:
        return self._answer(self.status, source, say)

    async def _apply(self, source: Source, trigger: Trigger, audience: Audience, _: Any = None) -> Report:
        self.asked.append(trigger.wait_lock)
        self.reasons.append(trigger.asked.reason)
        report: Report = self._answer(self.report, source, audience.say)
        audience.show(report.plan)
        for step in report.plan.steps:
            audience.listen(Began(step))
            audience.listen(Ended(step, report.outcome(step)))
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
    for name, content in fake.modules().items():
        replace_functions(monkeypatch, f"deployer.workflow.{name}", content)
    return fake


def replace_functions(monkeypatch: pytest.MonkeyPatch, module: str, functions: dict[str, Any]) -> None:
    """Whoever looks these functions up in the module gets the test's."""
    for name, function in functions.items():
        monkeypatch.setattr(import_module(module), name, function)


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
