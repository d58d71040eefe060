from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.plan.outcome import Done, Report
from deployer.plan.steps import Plan
from deployer.report.result import report_text

if TYPE_CHECKING:
    from deployer.report.paint import Paint


def test_a_good_run_is_one_line(plan: Plan, plain: Paint) -> None:
    good = Report(replace(plan, blocked=()), {step.number: Done(1.0) for step in plan.steps}, 41.3)
    assert report_text(good, plain) == "Applied 1a2b3c4d5e in 41.3 s: 5 done, 0 failed, 0 skipped\n"


def test_nothing_to_do_is_one_line(plain: Paint) -> None:
    empty = Report(Plan("sandbox", "worktree", (), unchanged=31), {}, 0.62)
    assert report_text(empty, plain) == "Nothing to do in 0.6 s: everything is as worktree says (31 unchanged)\n"


def test_what_failed_comes_first_then_why_then_what_to_do_then_the_sum(report: Report, plain: Paint) -> None:
    assert report_text(report, plain) == (
        "RESULT    STEP   SUBJECT     WHAT                                             WHY\n"
        "failed    #2     slave       join the swarm of master as worker at 10.0.0.3   no route to 10.0.0.2:2377\n"
        "failed    #4     web_cache   update service, 1 replica                        image not found\n"
        "skipped   #5     web         wait up to 180 s for web_api, web_cache          #4 did not succeed\n"
        "blocked   -      slave2      -                                                connection refused\n"
        "\n"
        "Last lines of #2 slave:\n"
        "    joining\n"
        "    Error: \\x1b[31mno route\\x1b[0m\n"
        "\n"
        "slave2: is the machine on?\n"
        "Run the same command again: what is done stays done, and it goes on from there.\n"
        "\n"
        "Applied 1a2b3c4d5e in part in 41.3 s: 2 done, 2 failed, 1 skipped, 1 could not be done\n"
    )


def test_a_stopped_run_says_so_and_what_was_not_begun(plan: Plan, plain: Paint) -> None:
    stopped = Report(replace(plan, blocked=()), {1: Done(1.0)}, 200.0, "interrupted")
    lines = report_text(stopped, plain).splitlines()
    assert lines[-1] == "Interrupted after 3 min 20 s while applying 1a2b3c4d5e: 1 done, 0 failed, 4 skipped"
    assert [line.split()[:2] for line in lines[1:5]] == [["skipped", f"#{number}"] for number in (2, 3, 4, 5)]
    assert all(line.endswith("the run was stopped") for line in lines[1:5])


def test_the_sum_is_green_or_red(report: Report, plan: Plan, colours: Paint) -> None:
    good = Report(replace(plan, blocked=()), {step.number: Done(1.0) for step in plan.steps}, 1.0)
    assert report_text(good, colours).startswith("\x1b[1;32mApplied")
    assert report_text(report, colours).splitlines()[-1].startswith("\x1b[1;31mApplied")
