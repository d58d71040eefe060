from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.sandbox.build import FOLDER, STAND_INS, content_hash

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    return tmp_path


def test_the_same_content_has_the_same_hash(folder: Path) -> None:
    before = content_hash(folder, "base")
    (folder / "two").unlink()
    (folder / "two").write_text("2")
    assert content_hash(folder, "base") == before


def test_whatever_counts_changes_the_hash(folder: Path) -> None:
    seen = {content_hash(folder), content_hash(folder, "base"), content_hash(folder, "ba", "se")}
    (folder / "two").chmod(0o755)
    seen.add(content_hash(folder))
    (folder / "two").write_text("3")
    seen.add(content_hash(folder))
    (folder / "two").rename(folder / "three")
    seen.add(content_hash(folder))
    (folder / "a" / "one").rename(folder / "a-one")
    seen.add(content_hash(folder))
    assert len(seen) == 7


def test_every_folder_has_a_dockerfile_on_the_given_base_and_names_itself_for_the_build_cache() -> None:
    folders = {path.name for path in FOLDER.iterdir()}
    assert {stand_in.folder for stand_in in STAND_INS} <= folders
    for name in folders:
        lines = (FOLDER / name / "Dockerfile").read_text().splitlines()
        assert "FROM ${BASE}" in lines
        assert all(f"deployer-sandbox/{name} " in line for line in lines if line.startswith("RUN"))
