"""`deployer swarm rotate-tokens`, `rotate-ca`, `autolock`, `unlock-key` and `unlock`"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from deployer.cli.machine.maintenance import Dry, finish
from deployer.cli.names import machines
from deployer.cli.options import (
    Colour,
    Json,
    LockWait,
    Output,
    ProgressKind,
    Quiet,
    Repo,
    Rev,
    Verbose,
    Worktree,
    source,
)
from deployer.cli.running import run_and_print
from deployer.errors import DeployerError, UsageError
from deployer.startup import defer_imports

with defer_imports():
    from deployer import entry
    from deployer.maintenance import swarm
    from deployer.workflow import maintain


EXAMPLES: Final = """\b
Examples:
  deployer swarm rotate-tokens
  deployer swarm rotate-ca
  deployer swarm autolock on && deployer swarm unlock-key --output ~/swarm.key
  deployer swarm unlock master --key-file ~/swarm.key
"""


def rotate_tokens(
    *,
    worker: Annotated[bool, typer.Option("--worker", help="The workers' alone.")] = False,
    manager: Annotated[bool, typer.Option("--manager", help="The managers' alone.")] = False,
    dry_run: Dry = False,
    lock_wait: LockWait = 0,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make new join tokens. Members stay members; who has an old token gets in no more.

    Tokens are shown nowhere: deployer fetches one from a manager at the moment in which a machine joins.
    """
    where, terms = source(repo, rev, worktree), maintain.make_terms("swarm", lock_wait, dry=dry_run)
    both = worker == manager
    roles = (*(("worker",) if worker or both else ()), *(("manager",) if manager or both else ()))
    output = Output(json, progress, color, quiet, verbose)
    finish(output, lambda audience: swarm.rotate_tokens(where, roles, audience, terms), dry=dry_run)


def rotate_ca(
    *,
    dry_run: Dry = False,
    lock_wait: LockWait = 0,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make a new root certificate for the swarm, and wait until every member has a certificate under it.

    Nothing restarts. A member that is down is waited for by the swarm itself. Join tokens change with it.
    """
    where, terms = source(repo, rev, worktree), maintain.make_terms("swarm", lock_wait, dry=dry_run)
    output = Output(json, progress, color, quiet, verbose)
    finish(output, lambda audience: swarm.rotate_ca(where, audience, terms), dry=dry_run)


def autolock(
    state: Annotated[str, typer.Argument(metavar="on|off")],
    *,
    dry_run: Dry = False,
    lock_wait: LockWait = 0,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Lock managers that restart: they take no orders until they are given the key.

    The key is kept by the managers alone: fetch it with `deployer swarm unlock-key` while one runs, and keep it outside git.
    """
    if state not in {"on", "off"}:
        raise UsageError(f"{state!r} is neither on nor off", help="deployer swarm autolock on, or off")
    where, terms = source(repo, rev, worktree), maintain.make_terms("swarm", lock_wait, dry=dry_run)
    output = Output(json, progress, color, quiet, verbose)
    finish(output, lambda audience: swarm.autolock(where, audience, terms, on=state == "on"), dry=dry_run)


def unlock_key(
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there, for you alone (0600).")
    ] = None,
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new one first.")] = False,
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    progress: ProgressKind = "auto",
) -> None:
    """Print the key that unlocks managers, or write it into a file. It belongs into no repository."""
    where = source(repo, rev, worktree)
    if output and output.exists():
        raise UsageError(f"{output} is there already", help="name another file, or remove that one")
    if rotate:
        report = run_and_print(
            Output(json=False, progress_kind=progress),
            lambda audience: swarm.autolock(where, audience, maintain.make_terms("swarm"), on=True, rotate=True),
        )
        if not report.ok:
            raise typer.Exit(report.exit_code)
    key = entry.wait_for(swarm.unlock_key(where))
    if not key:
        raise DeployerError("the swarm has autolock off: there is no key", help="deployer swarm autolock on")
    if output is None:
        typer.echo(key)
        return
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise DeployerError(
            f"{output} cannot be written: {error.strerror}", help="name a file in a folder of yours"
        ) from error
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{key}\n")
    typer.echo(f"written to {output}", err=True)


def unlock(
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=machines, help="The locked manager.")],
    *,
    key_file: Annotated[Path, typer.Option("--key-file", metavar="FILE", help="With the key, readable by you alone.")],
    repo: Repo = None,
    rev: Rev = None,
    worktree: Worktree = False,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Give a manager that restarted with autolock its key."""
    where, key = source(repo, rev, worktree), swarm.read_key(key_file)
    output = Output(json, progress, color, quiet, verbose)
    finish(output, lambda audience: swarm.unlock(where, name, key, audience, maintain.make_terms("swarm")))
