"""`deployer watch`"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from deployer.cli.options import Colour, Output, ProgressKind, Quiet, Repo, Verbose, Worktree, seconds
from deployer.cli.running import address
from deployer.cli.work_tree import find_work_tree
from deployer.errors import InvalidFilesError, UsageError
from deployer.memory.asked import Asked
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.watch.sources import Origin
    from deployer.workflow import validate

with defer_imports():
    from deployer import entry
    from deployer.execute import broken
    from deployer.hooks import pushed
    from deployer.report import problems, result
    from deployer.source import confinement, git
    from deployer.watch import health as watch_health
    from deployer.watch import judged, pace, service, sources
    from deployer.watch import loop as watch_loop
    from deployer.workflow import apply as workflow_apply
    from deployer.workflow import run


RemoteAddress = Annotated[
    str | None, typer.Option("--remote", metavar="URL", help="Follow a remote: asked by `git ls-remote`.")
]
Branch = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="[default: deployer.branch of the repository, else the one checked out; main]"),
]
Interval = Annotated[
    float, typer.Option("--interval", parser=seconds, metavar="DURATION", help="How often a remote is asked.")
]
Every = Annotated[
    float,
    typer.Option("--every", parser=seconds, metavar="DURATION", help="How often drift is looked for; 0: never."),
]
LockWait = Annotated[
    float,
    typer.Option("--lock-wait", parser=seconds, metavar="DURATION", help="Wait so long for another run."),
]
Health = Annotated[
    str | None, typer.Option("--health", metavar="[HOST:]PORT", help="Answer GET /health there: 200, or 503.")
]
Print = Annotated[
    Literal["systemd", "compose"] | None,
    typer.Option("--print", metavar="WHAT", help="Print a systemd unit, or a compose file, that runs this; then end."),
]
EXAMPLES: Final = """\b
Examples:
  deployer watch                                   the branch of this repository
  deployer watch --worktree                        the files as you save them
  deployer watch --remote git@example.org:ops.git  a remote, asked twice a minute
  deployer watch --remote URL --health 8099 --print systemd > deployer-watch.service
"""


def watch(
    *,
    repo: Repo = None,
    worktree: Worktree = False,
    remote: RemoteAddress = None,
    branch: Branch = None,
    interval: Interval = 30,
    every: Every = 300,
    lock_wait: LockWait = 600,
    health: Health = None,
    print_: Print = None,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Keep the cluster as git says: apply every new commit, and set back what drifts.

    It ends with SIGTERM or Ctrl-C, after the step that runs. What cannot be read changes nothing.
    """
    source = _choose_origin(repo, remote, branch, worktree=worktree)
    if print_:
        given = {
            "--remote": remote,
            "--repo": None if remote else str((repo or find_work_tree(Path.cwd())).resolve()),
            "--branch": branch,
            "--health": health or ("8099" if print_ == "compose" else None),
            "--interval": f"{interval:g}s",
            "--every": f"{every:g}s",
            "--lock-wait": f"{lock_wait:g}s",
        }
        typer.echo(_service(print_, given, worktree=worktree), nl=False)
        return

    if interval < 1 or 0 < every < 1:
        raise UsageError("--interval and --every are at least 1s", help="or --every 0 to look for no drift")

    if source.repository:
        confinement.require_confined(source.repository)

    state = watch_loop.State(source.name)
    endpoint = watch_health.Endpoint(health, state) if health else None
    applying = _Applying(
        Output(json=False, progress_kind=progress, color=color, quiet=quiet, verbose=verbose), lock_wait
    )
    looking = interval if remote else max(interval, 60.0)  # others ring
    loop = watch_loop.Watch(source, applying, _say, pace.Pace(looking, every), state, told=watch_health.notify)
    _say(f"follows {source.name}")
    try:
        loop.run()
    except KeyboardInterrupt:  # SIGTERM, too: see deployer.cli.errors
        _say("ends, as it was asked to")
    finally:
        watch_health.send("STOPPING=1")
        if endpoint:
            endpoint.close()


class _Applying:
    """One apply, shown as `deployer apply` shows it; on a timer only what is done."""

    def __init__(self, output: Output, lock_wait: float) -> None:
        self._output = output
        self._lock_wait = lock_wait

    def __call__(self, source: validate.Source, *, quiet: bool) -> Report:
        if not source.worktree and not quiet:
            judged.judge(source, confinement.bounds(git.find(source.repo)))
        with self._output.progress() as shown:

            def show(plan: Plan) -> None:
                if not (quiet and plan.empty):
                    shown.show(plan)

            audience = replace(address(shown), show=show)
            if quiet:
                audience = replace(audience, say=lambda _line: None)
            try:
                report = entry.wait_for(
                    workflow_apply.apply(source, run.Trigger(Asked("watch"), self._lock_wait), audience)
                )
            except InvalidFilesError as error:
                typer.echo(problems.problems_text(error.problems, self._output.paint), err=True)
                raise
            except broken.BrokenOffError as bug:
                shown.end(bug.report)
                raise (bug.__cause__ or bug) from None
            shown.end(report)
        if not report.plan.empty or report.stopped:
            self._output.result(result.report_text(report, self._output.paint), {})
        return report


def _choose_origin(repo: Path | None, remote: str | None, branch: str | None, *, worktree: bool) -> Origin:
    if remote and (worktree or repo):
        other = "--worktree" if worktree else "--repo"
        raise UsageError(f"--remote and {other} exclude each other", help="leave one of them out")
    if worktree and branch:
        raise UsageError("--worktree and --branch exclude each other", help="leave one of them out")
    name = pushed.branch_name(branch) if branch else None
    if remote:
        return sources.Remote(remote, name)
    where = repo or find_work_tree(Path.cwd())
    return sources.WorkingCopy(where) if worktree else sources.Branch(where, name)


def _service(what: Literal["systemd", "compose"], given: dict[str, str | None], *, worktree: bool) -> str:
    """`given` are options and their values as they were asked for; the folder of a repository is made absolute."""
    words = [word for name, value in given.items() if value for word in (name, value)]
    arguments = ["watch", *words, *(["--worktree"] if worktree else [])]
    folder = given["--repo"]
    if what == "compose":
        return service.compose_file(arguments, [folder] if folder else [])
    return service.systemd_unit((sys.executable, "-I", "-m", "deployer"), arguments, folder or str(given["--remote"]))


def _say(line: str) -> None:
    typer.echo(line, err=True)
