"""The commands and their one-line purposes; a command's own module is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, Final, NamedTuple

import typer
from typer.core import TyperGroup

from deployer.errors import UsageError


class Command(NamedTuple):
    module: str
    attribute: str
    purpose: str


COMMANDS: Final = {
    "validate": Command("validate", "validate", "Check every file of the repository; no machine is asked."),
    "plan": Command("plan", "plan", "Show what apply would do. Nothing is changed."),
    "apply": Command("apply", "apply", "Make the cluster what git says, and wait until it is healthy."),
    "status": Command("status", "status", "Show machines and stacks: as git says? healthy?"),
    "services": Command("services", "services", "Show what runs where, and its health: Consul's catalogue."),
    "unlock": Command("unlock", "unlock", "Take the lock from a run that hangs."),
    "hooks": Command("hooks", "app", "Git's hooks: check what is committed, deploy what is pushed."),
    "remote": Command("remote", "app", "Make a repository that deploys what is pushed to it."),
    "registrator": Command("registrator", "app", "Put what runs on this machine into Consul."),
    "init": Command("init", "init", "Lay out a new repository, with comments that teach."),
    "schema": Command("schema", "schema", "Print the JSON Schemas of the repository's files."),
    "sandbox": Command("sandbox", "app", "A cluster of containers on this machine, to try things on."),
}

FOR_GIT: Final = {"hook": Command("hook", "app", "What git's hooks run.")}
"""Not listed: nobody types them."""

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


class LazyGroup(TyperGroup):
    """A group that knows its commands' names and purposes without importing them, so that --help is quick."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Click's interface
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Click's interface
        return load(cmd_name) if cmd_name in COMMANDS or cmd_name in FOR_GIT else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Click's interface
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.purpose) for name, command in COMMANDS.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name in COMMANDS or name in FOR_GIT or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        raise UsageError(
            f"there is no command {name!r}", help=suggestion(name, COMMANDS) or "deployer --help lists them"
        )


def load(name: str) -> Any:
    """The command, ready to be invoked: a function gets its own Typer application, an application is taken as it is."""
    command = COMMANDS.get(name) or FOR_GIT[name]
    module = import_module(f"deployer.cli.{command.module}")
    found = getattr(module, command.attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name, epilog=getattr(module, "EXAMPLES", None))(found)
        found = single
    found.rich_markup_mode = None  # rich takes as long to import as everything else together
    found._add_completion = False  # noqa: SLF001 - the options are those of the whole program
    made = typer.main.get_command(found)
    made.name, made.no_args_is_help = name, False  # Click would make the whole help an error message
    return made


def suggestion(word: str, known: Any) -> str:
    """`did you mean 'plan'?`, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - needed after a mistake only

    close = get_close_matches(word, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


app = typer.Typer(cls=LazyGroup, rich_markup_mode=None, pretty_exceptions_enable=False, epilog=EXAMPLES)


def _version(wanted: bool) -> None:
    if wanted:
        from deployer import __version__  # noqa: PLC0415 - beside its only use

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
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)
