"""A commit is checked by a process of its own before `deployer watch` applies it; one that takes too much is not applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.cage.bounds import Bounds
from deployer.compose import tools
from deployer.errors import DeployerError
from deployer.watch.judged import judge
from deployer.workflow.validate import Source
from tests.source.conftest import GOOD, Repo, _own_git  # noqa: F401 - a fixture for all of them

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Repo(tmp_path / "repo")
    made.path.mkdir()
    made.git("init", "-q", "-b", "main")
    made.git("config", "deployer.allow", "local")  # its one machine
    return made


def test_what_it_compiled_is_kept(repo: Repo, tmp_path: Path) -> None:
    try:
        tools.find()
    except DeployerError as error:
        pytest.skip(error.message)
    judge(Source(repo.path, repo.commit(GOOD)), Bounds())
    assert [entry for entry in (tmp_path / "cache/deployer/compose").iterdir() if entry.name != "pruned"]


def test_what_is_wrong_with_its_files_is_said_by_whoever_applies_it(repo: Repo) -> None:
    judge(Source(repo.path, repo.commit({"cluster/cluster.yaml": "nam: x\n"})), Bounds())


@pytest.mark.parametrize(
    ("bounds", "most", "setting"),
    [
        (Bounds(cpu=0.01), "0.01 s of processor time", "maxCpuSeconds"),
        (Bounds(memory=1 << 20), "1 MiB of memory", "maxMemory"),
    ],
)
def test_too_much(repo: Repo, bounds: Bounds, most: str, setting: str) -> None:
    commit = repo.commit(GOOD)
    with pytest.raises(DeployerError, match=rf"{commit[:10]} takes more than {most} to check") as refused:
        judge(Source(repo.path, commit), bounds)
    assert f"git config deployer.{setting}" in refused.value.help
