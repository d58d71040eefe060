"""One run as the message of a commit, and back: a line that says it, a line a step, and trailers for programs.

What is read may have been written by anybody who can write the ref: every field is bounded and made safe to show.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.model.amounts import duration
from deployer.model.commit import short
from deployer.model.printable import printable
from deployer.model.run import SUPERSEDED, Entry, Scope
from deployer.plan.operations import describe, mark
from deployer.plan.outcome import Done, Failed, Report, Skipped
from deployer.report.words import counts, outcome_text

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST: Final = 300
"""Characters of a field that are believed."""
MOST_STEPS: Final = 200
"""Of a run that its message names; the report beside it has all."""
_TRAILER: Final = re.compile(r"([A-Z][a-z]+): (.*)")


def result_of(report: Report) -> str:
    return report.stopped or ("done" if report.ok else "failed")


def text_of(report: Report) -> str:
    """`2 done, 0 failed, 0 skipped`"""
    done, failed, skipped = counts(report)
    blocked = f", {len(report.plan.blocked)} could not be done" if report.plan.blocked else ""
    return f"{done} done, {failed} failed, {skipped} skipped{blocked}"


def message(entry: Entry, report: Report | None) -> str:
    """The whole message. `git interpret-trailers` reads its end; a reason cannot add one, it has no line breaks."""
    trailers = {
        "Run": entry.run,
        "Via": entry.via,
        "Commit": entry.commit,
        "Result": entry.result,
        "Who": entry.who,
        "Reason": entry.reason,
        "Only": " ".join(entry.scope.only),
        "Purpose": entry.purpose,
        "Stacks": " ".join(f"{stack}@{commit}" for stack, commit in entry.scope.stacks),
        "Began": entry.began,
        "Seconds": f"{entry.seconds:.1f}",
    }
    last = [f"{key}: {printable(value)}" for key, value in trailers.items() if value]
    return "\n\n".join(filter(None, (_subject(entry), "\n".join(_steps(report)), "\n".join(last)))) + "\n"


def _subject(entry: Entry) -> str:
    """`Deployed 8ff9c4dd51 in 7.7 s: 2 done, 0 failed, 0 skipped`"""
    what = short(entry.commit)
    if entry.scope.stacks:
        what = " and ".join(f"{stack} of {short(commit)}" for stack, commit in entry.scope.stacks)
    elif entry.scope.only:
        what = f"{', '.join(entry.scope.only)} of {what}"
    if entry.purpose:
        return printable(f"{entry.result.capitalize()}, {entry.purpose} in {duration(entry.seconds)}: {entry.text}")
    if entry.result == SUPERSEDED:
        return printable(f"Superseded {what}: {entry.text}")
    return printable(f"{_verb(entry)} {what} in {duration(entry.seconds)}: {entry.text}")


def _verb(entry: Entry) -> str:
    back = entry.via == "rollback"
    if entry.result == "done":
        return "Rolled back to" if back else "Deployed"
    if entry.result == "failed":
        return "Failed to roll back to" if back else "Failed to deploy"
    return f"{entry.result.capitalize()} while {'rolling back to' if back else 'deploying'}"


def _steps(report: Report | None) -> Sequence[str]:
    if report is None:
        return ()
    lines = []
    for step in report.plan.steps[:MOST_STEPS]:
        subject, verb = describe(step.operation)
        outcome = report.outcome(step)
        sign = {Done: mark(step.operation), Failed: "!", Skipped: "?"}[type(outcome)]
        lines.append(printable(f"{sign} {subject}: {verb}: {outcome_text(outcome)}"))
    lines += [printable(f"! {obstacle.subject}: {obstacle.reason}") for obstacle in report.plan.blocked]
    more = len(report.plan.steps) - MOST_STEPS
    return [*lines, f"and {more} steps more"] if more > 0 else lines


def parse(cluster: str, id_: str, text: str) -> Entry | None:
    """The run that a commit's message tells of; None where it tells of none."""
    last = text.strip().rpartition("\n\n")[2]
    trailers = filter(None, map(_TRAILER.fullmatch, last.splitlines()))
    found = {trailer[1].lower(): printable(trailer[2][:LONGEST]) for trailer in trailers}
    if not {"run", "commit", "result"} <= found.keys():
        return None
    seconds = found.get("seconds", "")
    pairs = (word.partition("@") for word in found.get("stacks", "").split())
    purpose = found.get("purpose", "")
    stacks = tuple((stack, commit) for stack, _, commit in pairs)
    scope = Scope(tuple(found.get("only", "").split()), stacks, live=bool(purpose))
    subject = printable(text.partition("\n")[0][:LONGEST])
    return Entry(
        cluster=cluster,
        **{key: found.get(key, "") for key in ("run", "via", "commit", "result", "who", "reason", "began")},
        seconds=float(seconds) if re.fullmatch(r"[0-9]{1,9}\.[0-9]", seconds) else 0.0,
        scope=scope,
        text=(subject.rpartition(": ") if purpose else subject.partition(": "))[2] or subject,
        id=id_,
        purpose=purpose,
    )
