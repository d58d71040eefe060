"""A run's report as text: what failed, why, its last lines, what to do next, and the sum last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.model.amounts import duration
from deployer.model.commit import short
from deployer.model.printable import printable
from deployer.plan.operations import describe
from deployer.plan.outcome import Done, Failed, Skipped
from deployer.report.table import paragraphs, table
from deployer.report.words import counts, why_skipped

if TYPE_CHECKING:
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Step
    from deployer.report.paint import Paint, Tone

HEAD: Final = ("RESULT", "STEP", "SUBJECT", "WHAT", "WHY")
TONES: Final[dict[str, Tone]] = {"failed": "red", "skipped": "yellow", "blocked": "red"}


def report_text(report: Report, paint: Paint) -> str:
    """The sum alone where all is well."""
    steps = sorted(report.plan.steps, key=lambda step: (not isinstance(report.outcome(step), Failed), step.number))
    rows = [row for step in steps if (row := _row(report, step))]
    rows += [
        ("blocked", "", one.subject, "", f"{one.place}: {one.reason}" if one.place else one.reason)
        for one in report.plan.blocked
    ]
    parts = [table(HEAD, rows, paint=paint, tones={"RESULT": TONES.get})] if rows else []
    parts += [_log(report, step, paint) for step in steps]
    parts.append(_advice(report))
    parts.append([paint(sum_line(report), "bold", "green" if report.ok else "red")])
    return paragraphs(parts)


def sum_line(report: Report) -> str:
    """`Applied 1a2b3c4d5e in 41.3 s: 23 done, 0 failed, 0 skipped`"""
    done, failed, skipped = counts(report)
    commit, took = short(report.plan.commit), duration(report.seconds)
    if report.plan.empty and report.plan.purpose and not report.stopped:
        return f"Nothing to do in {took}: {printable(report.plan.purpose)}"
    if report.plan.empty and not report.stopped:
        return f"Nothing to do in {took}: everything is as {commit} says ({report.plan.unchanged} unchanged)"
    blocked = f", {len(report.plan.blocked)} could not be done" if report.plan.blocked else ""
    counted = f"{done} done, {failed} failed, {skipped} skipped{blocked}"
    if report.stopped:
        doing = "" if report.plan.purpose else f" while applying {commit}"
        return f"{report.stopped.capitalize()} after {took}{doing}: {counted}"
    what = "Done" if report.plan.purpose else f"Applied {commit}"
    return f"{what} {'' if report.ok else 'in part '}in {took}: {counted}"


def _row(report: Report, step: Step) -> tuple[str, ...] | None:
    subject, verb = describe(step.operation)
    match report.outcome(step):
        case Failed(_, reason):
            return "failed", f"#{step.number}", subject, verb, reason
        case Skipped() as outcome:
            return "skipped", f"#{step.number}", subject, verb, why_skipped(outcome)
        case Done():
            return None


def _log(report: Report, step: Step, paint: Paint) -> list[str]:
    outcome = report.outcome(step)
    if not isinstance(outcome, Failed) or not outcome.log:
        return []
    head = f"Last lines of #{step.number} {printable(describe(step.operation)[0])}:"
    return [head, *(paint(f"    {printable(line)}", "dim") for line in outcome.log)]


def _advice(report: Report) -> list[str]:
    """What to do about it, each sentence once."""
    lost = [f"The lock was lost: {printable(report.lost)}."] if report.lost else []
    helps = [f"{printable(o.subject)}: {printable(o.help)}" for o in report.plan.blocked if o.help]
    again = "Run the same command again: what is done stays done, and it goes on from there."
    return [] if report.ok else [*lost, *dict.fromkeys(helps), *([] if report.plan.purpose else [again])]
