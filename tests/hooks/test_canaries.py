"""Pushes that would have this machine's files read, with a home and an environment full of canaries: none comes back, none is kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.cage import kernel
from tests.cage import canaries

if TYPE_CHECKING:
    from tests.hooks.conftest import Clone, Server

pytestmark = pytest.mark.skipif(not kernel.look().confines, reason=f"no cage here: {kernel.look().lacks}")


def test_no_canary_comes_back(live: Clone, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(os.environ["HOME"])
    canaries.fill(home)
    for name in ("cache", "state", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    before = server.head
    attacks = canaries.hostile(home)
    for name, text in attacks.items():
        branch = f"attack-{name}"
        live.git("checkout", "-q", "-B", branch, "origin/main")
        live.commit({"stacks/web/compose.yaml": text})
        done = live.push("-o", "plan", "origin", f"HEAD:refs/heads/{branch}", **canaries.environment())
        assert canaries.WORD not in done.said, done.said
        assert "root:" not in done.said
        assert "internal error" not in done.said
        assert done.code == 1
    assert server.head == before
    assert canaries.found(tmp_path / "cache", tmp_path / "state", tmp_path / "tmp") == []
    kept = [path for path in canaries.found(server.path) if "/objects/" not in path]  # of the attackers' own files
    assert kept == []
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == []
