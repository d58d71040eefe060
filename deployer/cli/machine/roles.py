"""`deployer machine promote`, `demote`, `drain`, `pause` and `activate`"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from deployer.cli.machine.maintenance import Machines, finish
from deployer.cli.options import Colour, Json, LockWait, Output, ProgressKind, Quiet, Repo, Verbose, source
from deployer.errors import UsageError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.maintenance.roles import Key

with defer_imports():
    from deployer.maintenance import provision as maintenance_provision
    from deployer.maintenance import roles
    from deployer.workflow import maintain


NoCommit = Annotated[bool, typer.Option("--no-commit", help="Live only, nothing in git: the next apply takes it back.")]
NoApply = Annotated[bool, typer.Option("--no-apply", help="Only the commit: nothing is asked of any machine.")]
EXAMPLES: Final = """\b
Examples:
  deployer machine drain slave                 in git, and done
  deployer machine drain slave --no-commit     for an hour, in a hurry
  deployer machine promote slave slave2
"""


def _command(key: Key, value: str, purpose: str) -> Callable[..., None]:
    def command(
        names: Machines,
        *,
        no_commit: NoCommit = False,
        no_apply: NoApply = False,
        lock_wait: LockWait = 0,
        repo: Repo = None,
        json: Json = False,
        progress: ProgressKind = "auto",
        color: Colour = "auto",
        quiet: Quiet = False,
        verbose: Verbose = False,
    ) -> None:
        if no_commit and no_apply:
            raise UsageError("--no-commit and --no-apply leave nothing to do", help="leave one of them out")
        where, output = source(repo, None, worktree=False), Output(json, progress, color, quiet, verbose)
        terms = maintain.make_terms("machine", lock_wait)
        if no_commit:
            finish(output, lambda audience: roles.live(where, tuple(names), key, value, audience, terms))
        for line in roles.write(where, tuple(names), key, value, commit=True):
            typer.echo(line, err=True)
        if not no_apply:
            finish(
                output,
                lambda audience: maintenance_provision.provision(
                    replace(where, rev="HEAD"), tuple(names), audience, terms
                ),
            )

    command.__doc__ = purpose
    return command


_IN_GIT: Final = "\n\nIts file in cluster/nodes/ is edited (comments and layout stay), that alone is committed, as you, and done on the machine."
promote = _command("swarm", "manager", f"Make machines managers of the swarm.{_IN_GIT}")
demote = _command("swarm", "worker", f"Make managers workers. Refused where too few managers would be left.{_IN_GIT}")
drain = _command("availability", "drain", f"Take machines out of service: their tasks go elsewhere.{_IN_GIT}")
pause = _command("availability", "pause", f"Give machines no new tasks; what runs there goes on.{_IN_GIT}")
activate = _command("availability", "active", f"Put machines back into service.{_IN_GIT}")
