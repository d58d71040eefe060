"""What is put back into service after a run that did not come to its end."""

from typing import Any

from deployer.plan.maintenance import AwaitDrained, AwaitReady, RestartMachine, SetAvailability
from deployer.plan.outcome import Done, Failed, Outcome, Report, Skipped
from deployer.plan.steps import Plan, Step
from deployer.plan.swarm import Demote, LeaveSwarm
from deployer.workflow.amends import plan_amends
from deployer.workflow.run import join

DRAIN = SetAvailability("w1", "m1", "n1", "drain")
PAUSE = SetAvailability("w1", "m1", "n1", "pause")
STEPS = (
    DRAIN,
    AwaitDrained("w1", "m1", "n1", (), 180),
    RestartMachine("w1", "machine", 300),
    AwaitReady("w1", "m1", "n1", (), 180),
    PAUSE,
    AwaitReady("w1", "m1", "n1", (), 180),
)
GOOD, BAD = Done(1.0), Failed(1.0, "why")


def report(*outcomes: Outcome, operations: tuple[Any, ...] = STEPS) -> Report:
    steps = tuple(Step(number, operation, None) for number, operation in enumerate(operations, 1))
    missing = [Skipped(0)] * (len(steps) - len(outcomes))
    return Report(Plan("test", "c", steps), dict(enumerate([*outcomes, *missing], 1)))


def back(of: Report) -> list[Any]:
    return [step.operation for step in plan_amends(of).steps]


def test_nothing_was_begun_or_everything_was_done() -> None:
    assert back(report()) == []
    assert back(report(*[GOOD] * 6)) == []
    assert back(report(*[GOOD] * 5, BAD)) == [], "it is in service again, whatever is waited for"


def test_it_was_drained_and_nothing_done_to_it() -> None:
    """Its tasks did not find a place elsewhere, or somebody pressed Ctrl-C: it goes back to what git says."""
    assert back(report(GOOD, BAD)) == [PAUSE]
    assert back(report(GOOD, GOOD)) == [PAUSE]
    assert back(report(BAD)) == [PAUSE], "it may have been written, and the answer lost"


def test_it_came_back_and_the_run_was_stopped() -> None:
    assert back(report(GOOD, GOOD, GOOD)) == [PAUSE]


def test_a_machine_with_which_something_is_wrong_stays_drained() -> None:
    assert back(report(GOOD, GOOD, BAD)) == []
    assert back(report(GOOD, GOOD, GOOD, BAD)) == []


def test_one_that_was_to_leave_stays_a_member_while_it_has_not_begun_to() -> None:
    leaving = (DRAIN, STEPS[1], Demote("w1", "m1", "n1"), LeaveSwarm("w1"))
    assert back(report(GOOD, BAD, operations=leaving)) == [SetAvailability("w1", "m1", "n1", "active")]
    assert back(report(GOOD, GOOD, GOOD, operations=leaving)) == []


def test_both_reports_are_one() -> None:
    first = report(GOOD, BAD)
    after = plan_amends(first)
    both = join(first, Report(after, {after.steps[0].number: GOOD}, 2.0))
    assert [type(step.operation).__name__ for step in both.plan.steps][-1] == "SetAvailability"
    assert len({step.number for step in both.plan.steps}) == 7
    assert both.outcome(both.plan.steps[-1]) == GOOD
    assert both.exit_code == 1


def test_the_second_plan_of_a_recovery_gets_numbers_of_its_own() -> None:
    one = report(GOOD, operations=(LeaveSwarm("w1"),))
    both = join(one, report(BAD, operations=(LeaveSwarm("w2"),)))
    assert [(step.number, both.outcome(step)) for step in both.plan.steps] == [(1, GOOD), (2, BAD)]
