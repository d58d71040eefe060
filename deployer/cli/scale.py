"""`deployer scale`"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from deployer.cli.names import stacks
from deployer.cli.options import Colour, Json, LockWait, Output, ProgressKind, Quiet, Repo, Verbose, source
from deployer.cli.running import show_run
from deployer.errors import UsageError
from deployer.memory.asked import Asked
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.counts import Wanted
    from deployer.plan.outcome import Report
    from deployer.workflow.run import Audience

with defer_imports():
    from deployer.model import counts
    from deployer.report import result
    from deployer.report import scaling as report_scaling
    from deployer.workflow import apply as workflow_apply
    from deployer.workflow import run as workflow_run
    from deployer.workflow import scale as workflow_scale


Words = Annotated[
    list[str],
    typer.Argument(metavar="STACK SERVICE=N...", autocompletion=stacks, help="Or STACK/SERVICE=N, of several stacks."),
]
NoCommit = Annotated[bool, typer.Option("--no-commit", help="Live only, nothing in git: the next apply takes it back.")]
NoApply = Annotated[bool, typer.Option("--no-apply", help="Only the commit: nothing is asked of any machine.")]
EXAMPLES: Final = """\b
Examples:
  deployer scale swarmtest web=5
  deployer scale swarmtest web=5 redis=1
  deployer scale swarmtest/web=5 proxy/nginx=2
  deployer scale swarmtest web=5 --no-apply     then git push
  deployer scale swarmtest web=9 --no-commit    for an hour, in a hurry
"""
MOST: Final = 5
"""Digits of a count: more is a slip of the finger."""


def scale(
    words: Words,
    *,
    no_commit: NoCommit = False,
    no_apply: NoApply = False,
    repo: Repo = None,
    lock_wait: LockWait = 0,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write other counts into the stack files, commit that, and apply it.

    The number alone is exchanged: comments and layout stay. Only those files are committed, as you; a file that has
    changes of yours already is refused. What else HEAD holds is applied with it: `deployer plan` shows that before.
    """
    if no_commit and no_apply:
        raise UsageError("--no-commit and --no-apply leave nothing to do", help="leave one of them out")
    wanted = read(words)
    output, where = Output(json, progress, color, quiet, verbose), source(repo, None, worktree=False)
    scaling, report = None, None
    if not no_commit:
        with output.progress() as shown:
            scaling = workflow_scale.commit_counts(where, shown.say, wanted)
        where = replace(where, rev=scaling.commit)

    async def run(audience: Audience) -> Report:
        trigger = workflow_run.Trigger(Asked("scale"), lock_wait)
        if scaling is None:
            return await workflow_scale.set_counts(where, trigger, audience, wanted)
        for line in report_scaling.scaling_text(scaling).splitlines():
            audience.say(line)
        return await workflow_apply.apply(where, trigger, audience)

    if not no_apply:
        report = show_run(output, run)
    text = report_scaling.scaling_text(scaling) if scaling else report_scaling.drift_text(wanted)
    output.result(_join_texts(text, report, output), report_scaling.scaling_document(scaling, report))
    raise typer.Exit(report.exit_code if report else 0)


def _join_texts(text: str, report: Report | None, output: Output) -> str:
    return (result.report_text(report, output.paint) if report else "") + text


def read(words: Sequence[str]) -> tuple[Wanted, ...]:
    """`web api=3 db=1`, `web/api=3`. UsageError where a word is neither, or a service is named twice."""
    stack = ""
    found: dict[str, Wanted] = {}
    for number, word in enumerate(words):
        name, equals, count = word.partition("=")
        if not equals:
            if number or not name:
                raise UsageError(f"{word!r} is no SERVICE=N", help="deployer scale STACK SERVICE=N SERVICE=N")
            stack = name
            continue
        within, slash, service = name.rpartition("/")
        within = within if slash else stack
        if not within or not service:
            raise UsageError(f"{word!r} does not say of which stack", help=f"deployer scale STACK {word}")
        if not re.fullmatch(rf"[0-9]{{1,{MOST}}}", count):
            raise UsageError(f"{count!r} is no count for {service}", help=f"a whole number of at most {MOST} digits")
        one = counts.Wanted(within, service.removeprefix(f"{within}_"), int(count))
        if one.name in found:
            raise UsageError(f"{one.name} is named twice", help="keep one of the two")
        found[one.name] = one
    if not found:
        raise UsageError(f"there is no SERVICE=N after {stack!r}", help=f"deployer scale {stack} SERVICE=N")
    return tuple(found.values())
