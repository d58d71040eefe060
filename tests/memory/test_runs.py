"""Runs while they go on: what other processes find of them, and what they may do to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from deployer.errors import BusyError, DeployerError, UsageError
from deployer.memory import runs
from deployer.memory.asked import Asked
from tests.processes import started
from tests.waiting import GENEROUS, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMIT = "1a2b3c4d5e" + "0" * 30
PROGRAM = """
import sys
from pathlib import Path
from deployer.memory import runs
from deployer.memory.asked import Asked
with runs.register(Path(sys.argv[1]), Asked("push", "bob", "why", sys.argv[2]), "", "") as live:
    live.running("1a2b3c4d5e" + "0" * 30)
    sys.stdin.read()
"""


@contextmanager
def going_on(tmp_path: Path, *before: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run in a process of its own, which goes on until its test ends; `before`: the words before its command line."""
    argv = [*before, sys.executable, "-c", PROGRAM, str(tmp_path), "20260822-141503-7f3a"]
    with started(argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        wait_until(
            lambda: any(one.state == "running" for one in runs.processes(tmp_path)),
            "a run that goes on",
            saw=lambda: (runs.processes(tmp_path), process.poll()),
        )
        yield process


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with going_on(tmp_path) as process:
        yield process


def test_what_a_run_says_of_itself(tmp_path: Path) -> None:
    id_ = runs.new_id()
    with runs.register(tmp_path, Asked("push", "", "why", id_), "ann@laptop") as live:
        waiting = runs.process(tmp_path, id_)
        assert waiting is not None
        assert (waiting.state, waiting.who, waiting.reason, waiting.commit, waiting.alive) == (
            "waiting", "ann@laptop", "why", "", True,
        )  # fmt: skip
        live.running(COMMIT)
        assert runs.find(tmp_path, "").state == "running"
        live.ended(1, "0 done, 1 failed")
    ended = runs.find(tmp_path, id_[-4:])
    assert (ended.state, ended.code, ended.text, ended.commit, ended.alive) == (
        "ended",
        1,
        "0 done, 1 failed",
        COMMIT,
        False,
    )
    assert (tmp_path / f"{id_}.run").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("error", "code"), [(BusyError("locked"), 4), (KeyboardInterrupt(), 130), (ValueError("x"), 70)]
)
def test_how_it_ended_is_said_even_of_an_exception(tmp_path: Path, error: BaseException, code: int) -> None:
    with pytest.raises(type(error)), runs.register(tmp_path, Asked(run=runs.new_id()), "ann"):
        raise error
    assert runs.find(tmp_path, "").code == code


def test_one_that_was_killed_is_not_alive(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    assert runs.find(tmp_path, "").pid == other.pid
    other.kill()
    other.wait()
    assert runs.find(tmp_path, "").state == "killed"
    with pytest.raises(DeployerError, match="does not run: killed"):
        runs.cancel(tmp_path, runs.find(tmp_path, ""))


@pytest.mark.parametrize(
    ("ignored", "code"), [(["--ignore-signal=INT"], -signal.SIGTERM), (["--ignore-signal=TERM"], -signal.SIGINT)]
)
def test_a_run_that_its_shell_made_ignore_ctrl_c_is_cancelled_all_the_same(
    tmp_path: Path, ignored: list[str], code: int
) -> None:
    """`sh -c 'deployer apply & wait'`: "interrupted", said cancel, and the run went on to its end."""
    with going_on(tmp_path, "env", *ignored) as run:
        runs.cancel(tmp_path, runs.find(tmp_path, ""))
        assert run.wait(GENEROUS) in {code, 130 if code == -signal.SIGINT else code}


def test_a_run_that_hears_no_signal_is_said_to_be_so(tmp_path: Path) -> None:
    with going_on(tmp_path, "env", "--ignore-signal=INT", "--ignore-signal=TERM") as run:
        with pytest.raises(DeployerError, match="ignores SIGINT and SIGTERM") as said:
            runs.cancel(tmp_path, runs.find(tmp_path, ""))
        assert f"kill -KILL {runs.find(tmp_path, '').pid}" in said.value.help
        assert run.poll() is None


def test_cancel_interrupts_it(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    one = runs.find(tmp_path, "7f3a")
    runs.cancel(tmp_path, one)
    assert other.wait(GENEROUS) in {1, -signal.SIGINT, 130}
    assert runs.follow(tmp_path, one, print).code == 130
    with pytest.raises(DeployerError, match="does not run: interrupted"):
        runs.cancel(tmp_path, runs.find(tmp_path, ""))


def test_a_process_that_is_not_that_run_is_left_alone(tmp_path: Path) -> None:
    """The pid is another's by now: the one that holds the lock here was started at another time."""
    id_ = runs.new_id()
    with (
        runs.register(tmp_path, Asked(run=id_), "ann"),
        started(["cat"], stdin=subprocess.PIPE) as innocent,
    ):
        path = tmp_path / f"{id_}.run"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"pid": innocent.pid}) + "\n")
        with pytest.raises(DeployerError, match="does not run"):
            runs.cancel(tmp_path, runs.find(tmp_path, id_))
        assert innocent.poll() is None


def test_following_a_log_to_its_end(tmp_path: Path) -> None:
    id_ = runs.new_id()
    log = tmp_path / f"{id_}.log"
    seen: list[bytes] = []
    log.write_bytes(b"one\n")
    with runs.register(tmp_path, Asked(run=id_), "ann") as live:
        one = runs.find(tmp_path, "")

        def write(data: bytes) -> None:
            seen.append(data)
            if len(seen) == 1:
                with log.open("ab") as file:
                    file.write(b"two\n")
                live.ended(3, "x")
                live.close()

        assert runs.follow(tmp_path, one, write, look=0.01).code == 3
    assert b"".join(seen) == b"one\ntwo\n"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"run": "x"}', "\x00" * 100, "9" * 5000])
def test_a_file_that_is_none_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "20260822-141503-7f3a.run").write_text(text)
    (tmp_path / "20260822-141503-7f3b.run").symlink_to("/etc/passwd")
    assert runs.processes(tmp_path) == []


def test_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing has run from this repository yet"):
        runs.find(tmp_path, "")
    for end in ("7f3a", "7f3b"):
        with runs.register(tmp_path, Asked(run=f"20260822-141503-{end}"), "ann"):
            pass
    with pytest.raises(UsageError, match="several runs are named '20260822'"):
        runs.find(tmp_path, "20260822")
    with pytest.raises(UsageError, match="there is no run 'x' on this machine"):
        runs.find(tmp_path, "x")
    assert runs.find(tmp_path, "7f3b").run.endswith("7f3b")


def test_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEPT", 3)
    for number in range(5):
        (tmp_path / f"20260822-14150{number}-7f3a.log").touch()
        with runs.register(tmp_path, Asked(run=f"20260822-14150{number}-7f3a"), "ann"):
            pass
    assert len(runs.processes(tmp_path)) == 3
    assert len(list(tmp_path.glob("*.log"))) == 3


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with runs.register(tmp_path / "file", Asked(run=runs.new_id()), "ann") as live:
        live.running(COMMIT)
        live.ended(0)
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208 - nothing else was made
