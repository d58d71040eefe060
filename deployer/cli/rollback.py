"""`deployer rollback`"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer.cli.apply import Reason, apply_and_print
from deployer.cli.names import stacks
from deployer.cli.options import AllowDelete, Colour, Json, LockWait, Output, ProgressKind, Quiet, Repo, Verbose, source
from deployer.memory.asked import Asked
from deployer.model.consent import Consent
from deployer.startup import defer_imports

with defer_imports():
    from deployer.memory import history
    from deployer.workflow import rollback as workflow_rollback


What = Annotated[
    str, typer.Argument(metavar="[STACK]", autocompletion=stacks, help="One stack alone. [default: everything]")
]
Second = Annotated[
    str,
    typer.Argument(metavar="[REV]", help="The commit; it may be the only word. [default: the last good one before]"),
]
EXAMPLES: Final = """\b
Examples:
  deployer rollback                  to the last good commit before the present one
  deployer rollback v1.4.2           to a commit
  deployer rollback web              the stack web alone, as the last good commit before had it
  deployer rollback web HEAD~3
"""


def rollback(
    what: What = "",
    rev: Second = "",
    *,
    repo: Repo = None,
    lock_wait: LockWait = 0,
    reason: Reason = "",
    allow_delete: AllowDelete = None,
    json: Json = False,
    progress: ProgressKind = "auto",
    color: Colour = "auto",
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Apply an earlier commit again, of everything or of one stack.

    Which one was good, the repository remembers: `deployer history`. The branch goes on saying what it says; the next
    apply or push of it goes forward again, unless it is reverted too: the command is printed.
    """
    output, where = Output(json, progress, color, quiet, verbose), source(repo, None, False)
    stack, rev = (what, rev) if rev or history.is_stack(where.repo, where.rev, what) else ("", what)
    target = workflow_rollback.choose_earlier(where, stack, rev)
    code = apply_and_print(
        target, output, lock_wait, Asked("rollback", reason=reason), consent=Consent(frozenset(allow_delete or ()))
    )
    commit = target.stacks[0][1] if stack else target.rev
    command = history.agreement(where.repo, where.rev, commit, stack)
    if command and not quiet:
        told = "the branch still says otherwise, and its next apply or push goes forward again; to go back in git:"
        typer.echo(f"{told}\n  {command}", err=True)
    raise typer.Exit(code)
