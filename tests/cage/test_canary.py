"""The whole corpus compiled with a home and an environment full of canaries: none comes out, by no way that there is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from deployer.compose import tools
from deployer.errors import DeployerError
from tests.cage import canaries
from tests.cage.compile_all import ROOT
from tests.cage.conftest import needs_cage

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_cage


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], int]:
    """The folder that everything was written to, what was said of each stack, and the packets that were sent."""
    try:
        tools.find()
    except DeployerError as error:
        pytest.skip(error.message)
    folder = tmp_path_factory.mktemp("canaries")
    for name in ("home", "cache", "tmp"):
        (folder / name).mkdir()
    canaries.fill(folder / "home")
    own = {"HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "cache"), "TMPDIR": str(folder / "tmp")}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **canaries.environment(), **own}
    done = subprocess.run(
        [sys.executable, "-m", "tests.cage.compile_all"],
        env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert canaries.WORD not in done.stderr
    said = json.loads(done.stdout)
    return folder, said["told"], said["packets"]


def test_nothing_is_said_of_them(compiled: tuple[Path, dict[str, str], int]) -> None:
    _, told, _ = compiled
    assert [name for name, text in told.items() if canaries.WORD in text or "root:" in text] == []


def test_nothing_is_kept_of_them(compiled: tuple[Path, dict[str, str], int]) -> None:
    folder, _, _ = compiled
    assert canaries.found(folder / "cache", folder / "tmp") == []
    assert [path.name for path in (folder / "tmp").iterdir()] == []
    assert len(canaries.found(folder / "home")) == len(canaries.PLACES)


def test_nothing_is_sent(compiled: tuple[Path, dict[str, str], int]) -> None:
    _, _, packets = compiled
    assert packets == 0


def test_no_honest_stack_is_refused(compiled: tuple[Path, dict[str, str], int]) -> None:
    _, told, _ = compiled
    honest = {name: text for name, text in told.items() if not name.startswith("attack-")}
    assert len(honest) > 10
    assert [f"{name}: {text[:200]}" for name, text in honest.items() if text.startswith(("invalid", "failed"))] == []


def test_every_attack_comes_to_nothing(compiled: tuple[Path, dict[str, str], int]) -> None:
    _, told, _ = compiled
    attacks = {name: text for name, text in told.items() if name.startswith("attack-") and name != "attack-variables"}
    assert [
        f"{name}: {text[:300]}" for name, text in attacks.items() if not text.startswith(("invalid", "failed"))
    ] == []
