"""Lines for whoever pushes: Dokku's grammar, narrow, and a few a second."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from deployer.diff.cause import Cause
from deployer.plan.outcome import Began, Done, Ended, Failed, Progress, Report, Skipped
from deployer.plan.stacks import CreateObject
from deployer.plan.steps import Plan, Step
from deployer.plan.swarm import JoinSwarm
from deployer.report.push import PushProgress, sum_text
from deployer.report.voice import MOST_STEPS, Voice

if TYPE_CHECKING:
    from deployer.plan.outcome import Outcome

STEPS = (
    Step(1, JoinSwarm("m2", "worker", "10.0.0.2", "m1"), Cause.NOT_FOUND),
    *(Step(n, CreateObject("network", "web", f"web_{n}", {}), Cause.NOT_FOUND) for n in (2, 3, 4)),
)
PLAN = Plan("test", "1a2b3c4d5e" + "0" * 30, STEPS)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def told() -> tuple[PushProgress, io.StringIO, Clock]:
    stream, clock = io.StringIO(), Clock()
    return PushProgress(Voice(stream), clock), stream, clock


def test_the_grammar() -> None:
    stream = io.StringIO()
    voice = Voice(stream)
    voice.step("a step")
    voice.detail("  a detail")
    voice.error("it is wrong", "mend it")
    voice.result("done")
    assert stream.getvalue() == "-----> a step\n         a detail\n !     it is wrong\n !     mend it\n=====> done\n"


def test_long_lines_go_on_below_with_their_mark_and_escapes_are_shown() -> None:
    stream = io.StringIO()
    Voice(stream).error("\x1b[31m" + "word " * 30)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert all(line.startswith(" !     ") and len(line) < 72 for line in lines)
    assert "\x1b" not in stream.getvalue()


def test_a_long_plan_is_cut_and_says_so() -> None:
    stream = io.StringIO()
    Voice(stream).plan(Plan("test", PLAN.commit, STEPS[1:2] * (MOST_STEPS + 3)))
    assert "-----> Plan: 43 to add" in stream.getvalue()
    assert "       and 3 steps more: `deployer plan` lists all" in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == MOST_STEPS + 2


def test_steps_that_end_at_once_are_counted_and_failures_always_said() -> None:
    progress, stream, clock = told()
    progress.listen(Began(STEPS[0]))
    progress.listen(Ended(STEPS[0], Done(2.0)))
    progress.listen(Ended(STEPS[1], Done(0.1)))
    progress.listen(Progress(STEPS[1], "too soon to be said"))
    progress.listen(Ended(STEPS[2], Failed(0.1, "no")))
    clock.now = 1.0
    progress.listen(Ended(STEPS[3], Done(0.1)))
    assert stream.getvalue().splitlines() == [
        "-----> m2: join the swarm of m1 as worker at 10.0.0.2: done in 2.0 s",
        " !     web_3: create network: failed after 0.1 s: no",
        "       and 1 step more done",
        "-----> web_4: create network: done in 0.1 s",
    ]


def test_the_same_line_is_said_once() -> None:
    progress, stream, clock = told()
    for clock.now in (1.0, 2.0, 3.0):
        progress.say("asking 4 machines")
    assert stream.getvalue() == "-----> Asking 4 machines\n"


def test_the_end_has_a_table_and_the_last_lines_of_what_failed() -> None:
    progress, stream, _ = told()
    outcomes: dict[int, Outcome] = {1: Done(1.0), 2: Done(1.0), 3: Failed(1.0, "no", ("denied",)), 4: Skipped(3)}
    report = Report(PLAN, outcomes, 14.2)
    progress.end(report)
    assert stream.getvalue().splitlines() == [
        " !     last lines of web_3:",
        " !       denied",
        "       RESULT   WHERE        STEPS",
        "       done     machine m2   1",
        "       failed   stack web    3",
    ]
    assert sum_text(report) == "2 done, 1 failed, 1 skipped in 14.2 s"
