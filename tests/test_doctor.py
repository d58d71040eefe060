"""`deployer doctor`: programs, walls, and what a repository's own configuration says."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from deployer import doctor
from deployer.cli.app import app
from deployer.cli.errors import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def repository(path: Path, **settings: str) -> Path:
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
    for key, value in settings.items():
        subprocess.run(["git", "--git-dir", str(path), "config", f"deployer.{key}", value], check=True)
    return path


def test_a_repository_that_says_nothing(tmp_path: Path) -> None:
    (check,) = doctor.repository(repository(tmp_path / "a"))
    assert (check.state, check.found) == (
        "ok", "deployer.cage is on; a push may take 900 s, 900 s of processor time, 4096 MiB"
    )  # fmt: skip
    assert list(doctor.repository(tmp_path)) == []


def test_one_that_takes_files_without_a_cage(tmp_path: Path) -> None:
    (check,) = doctor.repository(repository(tmp_path / "a", cage="off", maxSeconds="90"))
    assert (check.state, "deployer.cage is off; a push may take 90 s" in check.found) == ("missing", True)
    assert check.help == f"git --git-dir {tmp_path / 'a'} config --unset deployer.cage"


def test_one_with_a_setting_that_says_nothing(tmp_path: Path) -> None:
    (check,) = doctor.repository(repository(tmp_path / "a", maxMemory="lots"))
    assert (check.state, "deployer.maxMemory: 'lots' is no size" in check.found) == ("missing", True)


def test_programs_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [(check.name, check.state) for check in doctor.programs(tmp_path)] == [
        ("docker", "missing"),
        ("git", "missing"),
    ]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(app, ["doctor", "--json", "--repo", str(repository(tmp_path / "a", cage="off"))])
    told = json.loads(capsys.readouterr().out)
    assert code == 1
    assert {check["name"] for check in told["checks"]} >= {"git", "files", "repository"}
