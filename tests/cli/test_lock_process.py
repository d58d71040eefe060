"""Two processes and one repository: who waits, who is told, and what a signal does meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from deployer.lock.holder import this_run
from deployer.memory.runs import new_id
from tests.lock.test_lock import another_process
from tests.processes import started
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

COMMIT = "1a2b3c4d5e"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """One machine that nobody needs to reach: the lock comes first."""
    files = {"cluster/cluster.yaml": "name: test\n", "cluster/nodes/m1.yaml": "address: 192.0.2.1\nswarm: none\n"}
    for path, text in files.items():
        (tmp_path / "repo" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / path).write_text(text)
    return tmp_path / "repo"


def applying(repo: Path, state: Path, *flags: str) -> AbstractContextManager[subprocess.Popen[str]]:
    kept = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH"}
    }
    return started(
        [sys.executable, "-m", "deployer", "apply", "--worktree", "--repo", str(repo), *flags],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**kept, "XDG_STATE_HOME": str(state)},
    )  # fmt: skip


def test_the_second_is_told_whose_process_it_is(repo: Path, tmp_path: Path) -> None:
    with another_process(tmp_path / "deployer", this_run(COMMIT, new_id())), applying(repo, tmp_path) as second:
        out, err = second.communicate(timeout=GENEROUS)
    assert (second.returncode, out) == (4, "")
    assert f"(process {os.getpid()}, commit {COMMIT}, for " in err
    assert "--lock-wait 5m" in err
    assert "deployer unlock" not in err, "the kernel's lock cannot be taken away"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_waiting(repo: Path, tmp_path: Path, number: signal.Signals, code: int) -> None:
    with (
        another_process(tmp_path / "deployer", this_run(COMMIT, new_id())),
        applying(repo, tmp_path, "--lock-wait", "1h") as second,
    ):
        assert second.stderr
        assert second.stderr.readline().startswith("waiting for ")
        second.send_signal(number)
        _, err = second.communicate(timeout=GENEROUS)
    assert second.returncode == code
    assert "Traceback" not in err, err
