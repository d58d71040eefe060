"""Groups with tables: every command that a table names is there, every mistake is answered in the group's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deployer.cli import app as top
from deployer.cli.lazy import Command, load
from deployer.cli.machine import app as machine

if TYPE_CHECKING:
    from collections.abc import Callable

TABLES = {"deployer": {**top.COMMANDS, **top.UNLISTED}, "deployer machine": dict(machine.COMMANDS)}
EVERY = [(f"{group} {name}", command) for group, table in TABLES.items() for name, command in table.items()]


@pytest.mark.parametrize(("name", "command"), EVERY, ids=[name for name, _ in EVERY])
def test_every_command_of_a_table_is_there_and_its_help_has_an_example(name: str, command: Command) -> None:
    made: Any = load(name.rpartition(" ")[2], command)
    helps = made.get_help(made.make_context(name, [], resilient_parsing=True))
    assert f"Usage: {name}" in helps
    if name not in {"deployer hook", "deployer registrator"}:  # groups of commands that have theirs
        assert "xample" in helps


@pytest.mark.parametrize(
    ("argv", "message", "advice"),
    [
        (("pln",), "there is no command 'pln'", "did you mean 'plan'?"),
        (("machine", "ipp"), "there is no command 'machine ipp'", "did you mean 'ip'?"),
        (("m", "frobnicate"), "there is no command 'm frobnicate'", "deployer m --help lists them"),
    ],
)
def test_a_word_that_is_no_command(cli: Callable[..., Any], argv: tuple[str, ...], message: str, advice: str) -> None:
    assert cli(*argv) == (2, "", f"deployer: {message}\n  = help: {advice}\n")


def test_a_group_alone_prints_its_help_as_an_error(cli: Callable[..., Any]) -> None:
    code, out, err = cli("machine")
    assert (code, out) == (2, "")
    assert "Print a machine's address" in err
