"""`deployer hook`: what git's hooks run. People install them with `deployer hooks install`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cage.bounds import OUT_OF_MEMORY, bound_myself
from deployer.errors import DeployerError, InvalidFilesError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.report.voice import Voice

with defer_imports():
    from deployer.cage import doing, system
    from deployer.cli import validate as command
    from deployer.hooks import deploy, environment, gate, pushed, receive
    from deployer.report import voice as report
    from deployer.source import confinement, git, permission
    from deployer.workflow import validate as workflow

app = typer.Typer(no_args_is_help=True, help="What git's hooks run; `deployer hooks install` puts them in place.")
First = Annotated[
    Path | None, typer.Option("--first", metavar="FILE", help="A hook that was here before, and runs first.")
]
Rest = Annotated[list[str] | None, typer.Argument(metavar="[ARGS]...", help="What git gave the hook.")]


@app.command("pre-commit")
def pre_commit(*, first: First = None, rest: Rest = None) -> None:
    """Check what is staged. Exit code 3 where there is an error."""
    _run_first(first, rest or [], None)
    _drop_what_is_not_ours()
    command.validate(staged=True)


@app.command("pre-receive")
def pre_receive(*, first: First = None, rest: Rest = None) -> None:
    """Refuse a push that does not validate; show the plan of one that does."""
    _push(receive.pre_receive, first, rest or [])


@app.command("post-receive")
def post_receive(*, first: First = None, rest: Rest = None) -> None:
    """Deploy what was pushed."""
    _push(deploy.post_receive, first, rest or [])


@app.command("proc-receive")
def proc_receive(*, first: First = None, rest: Rest = None) -> None:
    """Deploy what is pushed before the branch moves; a failed deploy refuses the push. Git speaks to it in pkt-lines."""
    del first, rest  # there can be one such hook only
    streams = sys.stdin.buffer, sys.stdout.buffer
    _told(lambda voice: gate.proc_receive(Path.cwd(), dict(os.environ), voice, streams))


@app.command("judge", hidden=True)
def judge(
    repo: Path, rev: str, *, tell: Annotated[int, typer.Option(help="The pipe to whoever watches this process.")]
) -> None:
    """Check a commit for `deployer watch`, which watches how much that takes, and ends it."""
    system.die_with_parent(signal.SIGKILL)
    doing.tell(tell)
    repository = git.find(repo)
    bound_myself(confinement.bounds(repository))
    try:
        with doing.doing(rev):
            workflow.validate(workflow.Source(repo, rev, allowed=permission.permission(repository)), lambda _line: None)
    except MemoryError:
        raise typer.Exit(OUT_OF_MEMORY) from None


def _push(hook: Callable[[Path, bytes, dict[str, str], Voice], int], first: Path | None, rest: list[str]) -> None:
    lines = sys.stdin.buffer.read(pushed.LARGEST_INPUT + 1)
    _run_first(first, rest, lines)
    _told(lambda voice: hook(Path.cwd(), lines, dict(os.environ), voice))


def _told(work: Callable[[report.Voice], int]) -> None:
    _drop_what_is_not_ours()
    voice = report.Voice(sys.stderr)
    try:
        code = work(voice)
    except InvalidFilesError as error:
        voice.problems(error.problems)
        code = error.exit_code
    except DeployerError as error:
        voice.error(error.message, error.help)
        code = error.exit_code
    except MemoryError:
        code = OUT_OF_MEMORY  # whoever watches says it
    raise typer.Exit(code)


def _run_first(first: Path | None, arguments: list[str], lines: bytes | None) -> None:
    """The hook that was here before deployer's, as git would run it: with its own environment and input. Its no is a no."""
    if first is None or not os.access(first, os.X_OK) or not first.is_file():
        return
    argv = (str(first.absolute()), *arguments)
    done = subprocess.run(argv, input=lines, check=False) if lines is not None else subprocess.run(argv, check=False)
    if done.returncode != 0:
        raise typer.Exit(max(done.returncode, 1))


def _drop_what_is_not_ours() -> None:
    kept = environment.concerning_us(os.environ)
    os.environ.clear()
    os.environ.update(kept)
