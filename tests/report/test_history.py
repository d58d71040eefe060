from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.model.run import Entry, Scope
from deployer.report.history import history_text, run_text

if TYPE_CHECKING:
    from deployer.report.paint import Paint

GOOD = Entry(
    "test", "20260822-141503-7f3a", "push", "1a2b3c4d5e" + "0" * 30, "done", "ann from 10.0.0.9", "more visitors",
    "2026-08-22T14:15:03+00:00", 7.7, text="2 done, 0 failed, 0 skipped",
)  # fmt: skip
BACK = replace(
    GOOD, run="20260822-141700-0b1c", via="rollback", result="failed", reason="",
    scope=Scope(("web",), (("web", "9f8e7d6c5b" + "0" * 30),)),
)  # fmt: skip


def test_a_line_a_run(plain: Paint) -> None:
    assert history_text([BACK, GOOD], plain) == (
        "RUN                    WHEN                  COMMIT           RESULT   TOOK    BY                  WHAT\n"
        "20260822-141700-0b1c   2026-08-22 14:15:03   web@9f8e7d6c5b   failed   7.7 s   ann from 10.0.0.9   "
        "rollback: 2 done, 0 failed, 0 skipped\n"
        "20260822-141503-7f3a   2026-08-22 14:15:03   1a2b3c4d5e       done     7.7 s   ann from 10.0.0.9   "
        "2 done, 0 failed, 0 skipped (more visitors)\n"
    )


def test_clusters_are_named_where_there_are_several(plain: Paint) -> None:
    assert "other: 2 done" in history_text([GOOD, replace(GOOD, cluster="other")], plain)


def test_what_was_done_to_machines_by_hand_is_named(plain: Paint) -> None:
    care = replace(GOOD, via="machine", scope=Scope(live=True), purpose="restart slave, slave2", reason="")
    assert history_text([care], plain).endswith("   restart slave, slave2: 2 done, 0 failed, 0 skipped\n")
    assert "\nby       ann from 10.0.0.9 (machine)\npurpose  restart slave, slave2\n" in run_text(care, "", "", plain)


def test_no_run(plain: Paint) -> None:
    assert history_text([], plain) == "No run is kept in this repository yet.\n"


def test_one_run_with_its_plan_and_its_report(plain: Paint) -> None:
    assert run_text(GOOD, "Plan for test\n", "Applied\x1b[1m\n", plain) == (
        "run      20260822-141503-7f3a\n"
        "cluster  test\n"
        f"commit   {GOOD.commit}\n"
        "by       ann from 10.0.0.9 (push)\n"
        "reason   more visitors\n"
        "began    2026-08-22T14:15:03+00:00\n"
        "took     7.7 s\n"
        "result   done\n\n"
        "Plan for test\n\n"
        "Applied\\x1b[1m\n"
    )
    assert run_text(replace(GOOD, result="superseded"), "", "", plain).endswith("2 done, 0 failed, 0 skipped\n")
