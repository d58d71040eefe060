"""A decrypted env file, read as compose reads it: the expected values are those of the real compose, asked beside."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from deployer.compose import tools
from deployer.compose.variables import EnvFileError, read_literal
from deployer.errors import DeployerError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = r"""
# a comment
PLAIN=a b  c
SPACES =  x
export EXPORTED=1
COMMENT=value # said
NOCOMMENT=value#part
SINGLE='a $b "c" # d'
DOUBLE="a \"b\" \\ c # d"
LINES="one
two"
ESCAPED="one\ntwo"
COLON: yes
EMPTY=
QUOTED=""
AFTER='x' # said
URL=postgres://u:p@h:5432/d?a=b&c=d
TWICE=1
TWICE=2
ÜNLIKELY_BUT_LAST_LINES_MAY_HAVE_NO_END
""".replace("ÜNLIKELY_BUT_LAST_LINES_MAY_HAVE_NO_END\n", "LAST=z")


def test_values_are_those_that_compose_reads(tmp_path: Path) -> None:
    try:
        found = tools.find()
    except DeployerError as error:
        pytest.skip(error.message)
    (tmp_path / "a.env").write_text(TEXT)
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x, env_file: a.env}}")
    command = [found.compose.path, "compose", "-f", str(tmp_path / "compose.yaml"), "config", "--format", "json"]
    environment = {"PATH": os.environ["PATH"], "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND": "docker"}
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    theirs = json.loads(done.stdout)["services"]["a"]["environment"]
    assert read_literal(TEXT) == {name: value.replace("$$", "$") for name, value in theirs.items()}


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("A=1\nB=x$y\n", 2, "B"),
        ('A="${y}"', 1, "A"),
        ("A='x", 1, "A"),
        ("A=1\n\n=x", 3, ""),
        ("A B", 1, ""),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_without_its_value(text: str, line: int, name: str) -> None:
    with pytest.raises(EnvFileError) as caught:
        read_literal(text)
    assert caught.value.line == line
    assert name in caught.value.message
    assert "x" not in caught.value.message.replace("expected", "")
