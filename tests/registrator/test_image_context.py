"""What is packed runs by itself, with nothing of this installation beside it."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

from deployer.registrator.image.context import build_context

if TYPE_CHECKING:
    from pathlib import Path


def test_the_packed_program_starts_alone(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(build_context())) as archive:
        archive.extractall(tmp_path, filter="data")
    argv = [
        sys.executable,
        "-S",
        "-E",
        "-c",
        "import deployer.registrator.run, deployer.registrator.flags as f; print(f.__file__)",
    ]
    ran = subprocess.run(argv, cwd=tmp_path / "packages", capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.strip() == str(tmp_path / "packages/deployer/registrator/flags.py"), ran.stderr
