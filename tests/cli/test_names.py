"""What the shell completes: names of the files that are there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.cli.names import machines, stacks
from tests.cli.test_process import program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        ".git/HEAD", "cluster/cluster.yaml", "cluster/nodes/master.yaml", "cluster/nodes/slave.yml", "cluster/nodes/README",
        "stacks/web/compose.yaml", "stacks/worker.yaml", "stacks/shop/compose.yaml", "stacks/.old/compose.yaml",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def asked(**params: Any) -> Any:
    return SimpleNamespace(params=params)


def test_stacks_and_machines_by_their_files(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stacks(asked(repo=tree), "w") == ["web", "worker"]
    monkeypatch.chdir(tree / "stacks" / "web")  # anywhere in the repository
    assert stacks(asked(), "") == ["shop", "web", "worker"]
    assert machines(asked(repo=None), "") == ["master", "slave"]


def test_where_there_is_nothing_nothing_is_said(tmp_path: Path) -> None:
    assert stacks(asked(repo=tmp_path), "") == machines(asked(repo=tmp_path / "none"), "") == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("logs --repo {} w", ["web", "worker"]),
        ("plan --repo {} --only sh", ["shop"]),
        ("m restart --repo {} master s", ["slave"]),
    ],
)
def test_the_shell_gets_them(tree: Path, typed: str, offered: list[str]) -> None:
    words = ["deployer", *typed.format(tree).split()]
    bash = {"_DEPLOYER_COMPLETE": "complete_bash", "COMP_CWORD": str(len(words) - 1), "COMP_WORDS": " ".join(words)}
    assert program(**bash).stdout.split() == offered
