"""`deployer registrator`: the containers of a machine, in Consul."""

from __future__ import annotations

import typer

from deployer.startup import defer_imports

with defer_imports():
    from deployer.registrator import __main__ as program

app = typer.Typer(no_args_is_help=True, help="The containers and Swarm tasks of a machine, in Consul's catalogue.")


@app.callback()
def registrator() -> None:
    """The containers and Swarm tasks of a machine, in Consul's catalogue."""


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
def run(context: typer.Context) -> None:
    """Register what runs on this machine's engine, until it is stopped. Flags are registrator's own: -help lists them.

    Example: deployer registrator run -ip 10.0.0.7 consul://localhost:8500
    """
    raise typer.Exit(program.main(context.args, "deployer registrator run"))
