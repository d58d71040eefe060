"""`deployer apply`"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from deployer.cli.errors import time_limit
from deployer.cli.options import (
    AllowDelete,
    Colour,
    Json,
    LockWait,
    Only,
    Output,
    ProgressKind,
    Quiet,
    Replaces,
    Repo,
    Rev,
    Strict,
    Verbose,
    Worktree,
    seconds,
    source,
)
from deployer.cli.running import run_and_print
from deployer.cli.saved import guard, open_plan
from deployer.memory.asked import Asked
from deployer.model.consent import NOTHING, Consent
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from deployer.plan.outcome import Report
    from deployer.plan.saved import SavedPlan
    from deployer.workflow.run import Audience
    from deployer.workflow.validate import Source

with defer_imports():
    from deployer.workflow import apply as workflow_apply
    from deployer.workflow import run


Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why: it stands in `deployer history`.")]
PlanFile = Annotated[
    Path | None,
    typer.Argument(metavar="[PLAN]", dir_okay=False, help="What `deployer plan --out` saved: just that, or nothing."),
]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", parser=seconds, metavar="DURATION", help="End the whole run after that: 90s, 5m. Exit code 124."
    ),
]
EXAMPLES: Final = """\b
Examples:
  deployer apply
  deployer apply next.plan
  deployer apply --rev v1.4.2
  deployer apply --lock-wait 5m --progress plain
  deployer apply --timeout 10m
  deployer apply --only web --reason "more visitors"
  deployer apply --json > report.json
  deployer apply --allow-delete web --allow-delete shop_mailer    these may go, although it is much at once
"""


def apply(
    plan: PlanFile = None,
    *,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    only: Only = None,
    reason: Reason = "",
    allow_delete: AllowDelete = None,
    replaces: Replaces = "",
    lock_wait: LockWait = 0,
    timeout: Timeout = 0,
    strict: Strict = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make the cluster what git says, and wait until it is healthy.

    The plan is shown before the first change. Ctrl-C lets what is being done end; run it again to go on.
    """
    output = Output(json, progress, color, quiet, verbose)
    where, kept = source(repo, rev, worktree, only=only, strict=strict), None
    if plan:
        kept, where = open_plan(plan, where, chosen=bool(rev is not None or only))
    consent = Consent(frozenset(allow_delete or ()), replaces)
    consent = kept.consent(consent) if kept else consent
    with time_limit(timeout):
        code = apply_and_print(where, output, lock_wait, Asked("apply", reason=reason), kept, consent)
    raise typer.Exit(code)


def apply_and_print(
    where: Source,
    output: Output,
    lock_wait: float,
    asked: Asked,
    kept: SavedPlan | None = None,
    consent: Consent | None = None,
) -> int:
    """Apply, print progress and result, and return the exit code. With a plan that was `kept`: only if there is still just that to do."""

    def work(audience: Audience) -> Coroutine[Any, Any, Report]:
        if kept:
            audience = replace(audience, show=guard(kept, audience.show))
        return workflow_apply.apply(where, run.Trigger(asked, lock_wait), audience, consent or NOTHING)

    return run_and_print(output, work).exit_code
