"""What is packed runs by itself, with nothing of this installation beside it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from deployer.registrator.image.context import build_context
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from pathlib import Path


def test_the_packed_program_starts_alone(tmp_path: Path) -> None:
    subprocess.run(["tar", "-x"], cwd=tmp_path, input=build_context(), check=True)
    argv = [
        sys.executable,
        "-S",
        "-E",
        "-c",
        "import deployer.registrator.run, deployer.registrator.flags as f; print(f.__file__)",
    ]
    ran = subprocess.run(argv, cwd=tmp_path / "packages", capture_output=True, text=True, timeout=GENEROUS, check=False)
    assert ran.stdout.strip() == str(tmp_path / "packages/deployer/registrator/flags.py"), ran.stderr
