"""The two ways in: `registrator`, and `deployer registrator run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer

from deployer import __version__
from deployer.cli import registrator as command
from deployer.registrator import __main__ as program

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.mark.parametrize(
    "argv",
    [
        ["-ip=1.2.3.4", "-internal", "-tags", "a,b", "consul://h:8500"],
        ["-ip", "1.2.3.4", "-cleanup=false", "--resync", "60", "consul://h"],
        ["-h"],
        ["--help"],
        ["--version"],
        [],
    ],
)
def test_deployers_command_hands_the_old_flags_on_untouched(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Sequence[str]] = []

    def main(argv: Sequence[str], _program: str) -> int:
        seen.append(argv)
        return 7

    monkeypatch.setattr(program, "main", main)
    done = typer.main.get_command(command.app)
    with pytest.raises(SystemExit) as ended:
        done.main(["run", *argv], prog_name="registrator")
    assert ended.value.code == 7
    assert seen == [argv]


@pytest.mark.parametrize(
    ("argv", "code", "out", "err"),
    [
        (["--version"], 0, f"{__version__}\n", ""),
        (["-h"], 0, "", "Usage of registrator:\n  registrator [options] <registry URI>"),
        ([], 2, "", "Missing required argument for registry URI.\n\nUsage of registrator:"),
        (["-x", "consul://h"], 2, "", "flag provided but not defined: -x\n\nUsage of registrator:"),
        (["etcd://h"], 1, "", "the etcd backend is not supported"),
    ],
)
def test_what_ends_at_once(argv: list[str], code: int, out: str, err: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(argv) == code
    said = capsys.readouterr()
    assert said.out == out
    assert err in said.err
    assert "Traceback" not in said.err
