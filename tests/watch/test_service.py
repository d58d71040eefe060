"""The unit and the compose file, read by the programs that they are for where those are at hand."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from deployer.watch.service import compose_file, systemd_unit
from tests.needs import COMPILER
from tests.source.conftest import GOOD

if TYPE_CHECKING:
    from pathlib import Path

ARGUMENTS = ("watch", "--repo", '/srv/a "b"/100%/$x', "--every", "300s")


def test_a_unit_quotes_what_systemd_would_read_otherwise() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # names have capitals
    unit.read_string(systemd_unit(("/usr/bin/python3", "-I"), ARGUMENTS, "/srv/100%\nx"))
    assert unit["Service"]["ExecStart"] == (r'/usr/bin/python3 -I watch --repo "/srv/a \"b\"/100%%/$$x" --every 300s')
    assert unit["Unit"]["Description"] == "deployer watch: /srv/100%% x"
    assert unit["Service"]["KillMode"] == "mixed"


@COMPILER
def test_docker_compose_reads_the_file(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(compose_file(ARGUMENTS, ["/srv/a b"]))
    argv = ["docker", "compose", "--file", str(file), "config", "--format", "json"]
    refused = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "a wheel's address" in refused.stderr, "PyPI has another program of the name"
    package = "git+https://example.org/deployer.git"
    done = subprocess.run(argv, env={**os.environ, "PACKAGE": package}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    service = json.loads(done.stdout)["services"]["watch"]
    assert [word.replace("$$", "$") for word in service["command"]] == list(ARGUMENTS)
    assert service["build"]["args"] == {"PACKAGE": package}
    assert any(volume["source"] == volume["target"] == "/srv/a b" for volume in service["volumes"])


def test_the_command_prints_them_with_its_own_options(tmp_path: Path) -> None:
    for name, text in GOOD.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    argv = [sys.executable, "-m", "deployer", "watch", "--worktree", "--every", "10m", "--print", "systemd"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wanted = f"ExecStart={sys.executable} -I -m deployer watch --repo {tmp_path} --interval 30s --every 600s --lock-wait 600s --worktree"
    assert wanted in done.stdout.splitlines()
