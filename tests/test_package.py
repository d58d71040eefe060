"""What `pip install .` brings: everything that is in git under deployer/, and both programs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def test_the_wheel_has_every_file_and_both_programs(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(argv, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    listed = subprocess.run(["git", "ls-files", "deployer"], cwd=PROJECT, check=True, capture_output=True, text=True)
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (entries,) = (name for name in names if name.endswith("entry_points.txt"))
        programs = archive.read(entries).decode().split()
    assert set(listed.stdout.split()) - names == set()
    assert [name for name in ("deployer", "registrator") if name not in programs] == []
