"""The commands and their one-line purposes; a command's own module is imported when it is asked for."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from deployer import __version__
from deployer.cli.lazy import Command, LazyGroup, help_without_command

COMMANDS: Final = {
    "validate": Command("validate", "validate", "Check every file of the repository; no machine is asked."),
    "plan": Command("plan", "plan", "Show what apply would do. Nothing is changed."),
    "apply": Command("apply", "apply", "Make the cluster what git says, and wait until it is healthy."),
    "scale": Command("scale", "scale", "Write other counts into the stack files, commit, apply."),
    "rollback": Command("rollback", "rollback", "Apply an earlier commit again, of everything or of one stack."),
    "history": Command("history", "history", "Show what ran, how it ended, who asked for it and why."),
    "show": Command("show", "show", "Show one run: its plan, what became of each step, the errors."),
    "runs": Command("runs", "runs", "Show what runs and waits on this machine, and what ran last."),
    "attach": Command("runs", "attach", "Follow a run to its end."),
    "cancel": Command("runs", "cancel", "End a run cleanly: nothing else of it begins."),
    "status": Command("status", "status", "Show machines and stacks: as git says? healthy?"),
    "ps": Command("ps", "ps", "Show what runs on every machine: docker ps for all of it."),
    "logs": Command("logs", "logs", "Show what a stack's tasks wrote, from every machine."),
    "services": Command("services", "services", "Show what runs where, and its health: Consul's catalogue."),
    "watch": Command("watch", "watch", "Follow git: apply new commits, set back what drifts."),
    "unlock": Command("unlock", "unlock", "Take the lock from a run that hangs."),
    "machine": Command("machine.app", "app", "The machines one by one: docker-machine's commands, and more."),
    "env": Command("machine.env", "env", "Point docker in this shell at a machine."),
    "context": Command("context", "app", "Contexts of Docker's own client, one for each machine."),
    "hooks": Command("hooks", "app", "Git's hooks: check what is committed, deploy what is pushed."),
    "remote": Command("remote", "app", "Make a repository that deploys what is pushed to it."),
    "registrator": Command("registrator", "app", "Put what runs on this machine into Consul."),
    "swarm": Command("swarm", "app", "The swarm: its tokens, certificates and keys; recovery."),
    "doctor": Command("doctor", "doctor", "Say what this machine has, and what is missing."),
    "init": Command("init", "init", "Lay out a new repository, with comments that teach."),
    "schema": Command("schema", "schema", "Print the JSON Schemas of the repository's files."),
    "sandbox": Command("sandbox", "app", "A cluster of containers on this machine, to try things on."),
}

UNLISTED: Final = {
    "hook": Command("hook", "app", "What git's hooks run."),
    "m": Command("machine.app", "app", "The same as machine."),
}
"""Nobody types the one, and the other is a short word for what is listed."""

EXAMPLES: Final = """\b
Examples:
  deployer init my-cluster        start with a repository
  deployer validate --worktree    check it before it is committed
  deployer plan                   what would be done
  deployer apply                  do it
  deployer status                 see how it is

\b
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 invalid files, 4 locked,
5 refused, 6 unreachable, 70 a bug, 124 time-out, 130 interrupted."""


class Commands(LazyGroup):
    table = COMMANDS
    unlisted = UNLISTED


app = typer.Typer(cls=Commands, rich_markup_mode=None, pretty_exceptions_enable=False, epilog=EXAMPLES)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"deployer {__version__}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def deployer(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """GitOps for Docker on a handful of machines: machines and compose stacks from one git repository."""
    del version
    help_without_command(context)
