"""Nobody who comes from docker-machine misses a command, and none that the page names is missing."""

from __future__ import annotations

import shlex

import pytest

from deployer.cli import app as top
from deployer.cli.lazy import load
from deployer.cli.machine import app as machine
from tests.machines.docs import Row, rows

COMMANDS_OF_0_16 = (
    "active", "config", "create", "env", "help", "inspect", "ip", "kill", "ls", "mount", "provision", "regenerate-certs",
    "restart", "rm", "scp", "ssh", "start", "status", "stop", "upgrade", "url", "version",
)  # fmt: skip
EVERY = [*rows("docker-machine 0.16"), *rows("2016")]


def test_every_command_has_its_row() -> None:
    told = {row.old.strip("`").split()[1] for row in rows("docker-machine 0.16")}
    assert told == set(COMMANDS_OF_0_16)


@pytest.mark.parametrize("row", EVERY, ids=[row.old for row in EVERY])
def test_the_command_that_takes_its_place_is_there_with_its_options(row: Row) -> None:
    if not row.new:
        assert row.prose, "what is not carried over says why"
    for text in row.new:
        words = shlex.split(text.removeprefix("eval $(").partition(";")[0].removesuffix(")"))
        assert words.pop(0) == "deployer"
        table = top.COMMANDS
        if words[0] == "machine":
            table = machine.COMMANDS
            words.pop(0)
        name = words[0]
        if name == "--help":
            continue
        helps = load(name, table[name]).get_help(load(name, table[name]).make_context(name, [], resilient_parsing=True))
        for option in (word.partition("=")[0] for word in words if word.startswith("-")):
            assert option in helps
