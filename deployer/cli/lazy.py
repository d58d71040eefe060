"""Groups that know their commands' names and purposes without importing them, so that --help and completion are quick.

Start-up time is saved in two steps. A command's module is imported when the command is chosen: it has the signature and the
help. What the command works with stands on top of that module under `with defer_imports():` (deployer/startup.py), and is
imported when it is first used: so `deployer plan --help` costs no more than `deployer --help`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import typer
from typer.core import TyperGroup

from deployer.errors import UsageError
from deployer.model.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


class Command(NamedTuple):
    """Where a command is: a module under `deployer.cli` and what it is called there; and its one-line purpose."""

    module: str
    attribute: str
    purpose: str


class LazyGroup(TyperGroup):
    """A group with a table of its own: a subclass names its commands, a command's module is imported when it is asked for."""

    table: ClassVar[Mapping[str, Command]]
    unlisted: ClassVar[Mapping[str, Command]] = {}
    """Commands that --help and completion do not name."""

    def list_commands(self, _: Any) -> list[str]:
        return list(self.table)

    def get_command(self, _: Any, cmd_name: str) -> Any:
        command = self.table.get(cmd_name) or self.unlisted.get(cmd_name)
        return load(cmd_name, command) if command else None

    def format_commands(self, _: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.purpose) for name, command in self.table.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name in self.table or name in self.unlisted or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        place = f"{ctx.command_path} {name}".removeprefix("deployer ")
        raise UsageError(
            f"there is no command {place!r}",
            help=did_you_mean(name, self.table, f"{ctx.command_path} --help lists them"),
        )


def load(name: str, command: Command) -> Any:
    """The command, ready to be invoked: a function gets its own Typer application, an application is taken as it is."""
    module = import_module(f"deployer.cli.{command.module}")
    found = getattr(module, command.attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(
            name, epilog=getattr(module, "EXAMPLES", None), context_settings=getattr(module, "SETTINGS", None)
        )(found)
        found = single
    found.rich_markup_mode = None  # rich takes as long to import as everything else together
    found._add_completion = False  # noqa: SLF001 - the options are those of the whole program
    made = typer.main.get_command(found)
    made.name, made.no_args_is_help = name, False  # Click would make the whole help an error message
    return made


def help_without_command(context: typer.Context) -> None:
    """A group's answer where no command is named: the help on standard error, and exit code 2."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)
