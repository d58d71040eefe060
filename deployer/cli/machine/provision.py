"""`deployer machine provision`"""

from __future__ import annotations

from typing import Final

from deployer.cli.machine.maintenance import Dry, Machines, finish
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
from deployer.startup import defer_imports

with defer_imports():
    from deployer.maintenance import provision as maintenance_provision
    from deployer.workflow import maintain


EXAMPLES: Final = """\b
Examples:
  deployer machine provision slave
  deployer machine provision --dry-run slave slave2
"""


def provision(
    names: Machines,
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
    """Make machines what git says: engine, daemon.json, place in the swarm, Consul, registrator.

    An apply of these machines alone, without stacks. What is in order is not touched; what was cut off goes on where it was.
    """
    where = source(repo, rev, worktree)
    output = Output(json, progress, color, quiet, verbose)
    finish(
        output,
        lambda audience: maintenance_provision.provision(
            where, tuple(names), audience, maintain.make_terms("machine", lock_wait, dry=dry_run)
        ),
        dry=dry_run,
    )
