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
from deployer.cli.running import carried_out
from deployer.cli.saved import guarded, opened

if TYPE_CHECKING:
    from deployer.memory.asked import Asked
    from deployer.model.consent import Consent
    from deployer.plan import Plan, Report
    from deployer.plan.saved import SavedPlan
    from deployer.report.progress import Progress
    from deployer.workflow import Source

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
    from deployer.memory.asked import Asked  # noqa: PLC0415 - --help and completion do without
    from deployer.model.consent import Consent  # noqa: PLC0415 - see above

    output = Output(json, progress, color, quiet, verbose)
    where, kept = source(repo, rev, worktree, only=only, strict=strict), None
    if plan:
        kept, where = opened(plan, where, chosen=bool(rev is not None or only))
    consent = Consent(frozenset(allow_delete or ()), replaces)
    consent = kept.consent(consent) if kept else consent
    with time_limit(timeout):
        code = applied(where, output, lock_wait, Asked("apply", reason=reason), kept, consent)
    raise typer.Exit(code)


def applied(
    where: Source,
    output: Output,
    lock_wait: float,
    asked: Asked,
    kept: SavedPlan | None = None,
    consent: Consent | None = None,
) -> int:
    """Apply, with progress and result; the exit code. Where a plan was `kept`: only if there is still just that to do."""
    from deployer import workflow  # noqa: PLC0415 - everything hangs on it; --help and completion do without
    from deployer.lock.holder import whoami  # noqa: PLC0415 - see above
    from deployer.memory import runs  # noqa: PLC0415 - see above
    from deployer.model.consent import NOTHING  # noqa: PLC0415 - see above
    from deployer.report.documents import report_document  # noqa: PLC0415 - see above
    from deployer.report.result import report_text, sum_line  # noqa: PLC0415 - see above

    asked = replace(asked, run=runs.new_id())
    with runs.registered(runs.folder_of(where.repo), asked, whoami()) as live:

        def work(shown: Progress) -> Report:
            show = guarded(kept, shown.show) if kept else shown.show

            def begin(plan: Plan) -> None:
                live.running(plan.commit)
                show(plan)

            meant = consent or NOTHING
            return workflow.apply(
                where, shown.say, begin, shown.listen, wait_lock=lock_wait, asked=asked, consent=meant
            )

        report = carried_out(output, work)
        live.ended(report.exit_code, sum_line(report))
        if report.plan.empty:
            live.forget()
    output.result(report_text(report, output.paint), report_document(report))
    return report.exit_code
