"""What a run amounts to."""

from typing import Literal

import pytest

from deployer.diff.change import Blocked
from deployer.plan.consul import AwaitConsul
from deployer.plan.outcome import Done, Failed, Outcome, Report, Skipped
from deployer.plan.steps import Plan, Step

TWO = (Step(1, AwaitConsul("m", 1), None), Step(2, AwaitConsul("n", 1), None, needs=(1,)))
DONE, FAILED, SKIPPED = Done(1.0), Failed(1.0, "no"), Skipped(1)
DOWN = Blocked("m", "no answer", unreachable=True)
FOREIGN = Blocked("service x", "not ours")


@pytest.mark.parametrize(
    ("steps", "blocked", "outcomes", "stopped", "code"),
    [
        pytest.param((), (), {}, "", 0, id="nothing to do"),
        pytest.param(TWO, (), {1: DONE, 2: DONE}, "", 0, id="all done"),
        pytest.param(TWO, (), {1: DONE, 2: FAILED}, "", 1, id="one failed"),
        pytest.param(TWO, (), {1: FAILED, 2: SKIPPED}, "", 1, id="one failed, one skipped"),
        pytest.param(TWO, (), {1: DONE}, "", 1, id="a step without an outcome is not done"),
        pytest.param(TWO, (DOWN,), {1: DONE, 2: DONE}, "", 1, id="all done but a machine is unreachable"),
        pytest.param(TWO, (DOWN,), {1: FAILED, 2: SKIPPED}, "", 1, id="unreachable, and what was tried failed"),
        pytest.param((), (DOWN,), {}, "", 6, id="unreachable, nothing changed"),
        pytest.param((), (DOWN, DOWN), {}, "", 6, id="two unreachable, nothing changed"),
        pytest.param((), (FOREIGN,), {}, "", 1, id="blocked by something else"),
        pytest.param((), (DOWN, FOREIGN), {}, "", 1, id="unreachable, and blocked by something else"),
        pytest.param(TWO, (), {1: DONE}, "interrupted", 130, id="Ctrl-C"),
        pytest.param(TWO, (), {1: DONE, 2: DONE}, "interrupted", 130, id="Ctrl-C at the very end"),
        pytest.param(TWO, (DOWN,), {}, "terminated", 143, id="SIGTERM"),
    ],
)
def test_exit_code(
    steps: tuple[Step, ...],
    blocked: tuple[Blocked, ...],
    outcomes: dict[int, Outcome],
    stopped: Literal["", "interrupted", "terminated"],
    code: int,
) -> None:
    report = Report(Plan("c", "worktree", steps, blocked), outcomes, 1.0, stopped)
    assert report.exit_code == code
    assert report.ok == (code == 0)


def test_a_step_that_was_never_begun_was_skipped_because_the_run_was_stopped() -> None:
    report = Report(Plan("c", "worktree", TWO), {1: DONE}, 1.0, "interrupted")
    assert report.outcome(TWO[1]) == Skipped(0)
