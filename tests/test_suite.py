"""The test suite's own parts: waiting, lanes, costs, and what is told apart as left behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e import leftovers
from tests.e2e.costs import Costs, read_costs, render_costs
from tests.e2e.lanes import HERE, LANES
from tests.waiting import wait_until, wait_until_async

if TYPE_CHECKING:
    from pathlib import Path


def test_each_end_to_end_file_runs_in_one_lane() -> None:
    files = sorted(path.stem for path in HERE.glob("test_*.py"))
    assert sorted(name for lane in LANES for name in lane) == files


class TestWaiting:
    def test_the_first_true_answer_is_returned(self) -> None:
        answers = iter(["", "", "here"])
        assert wait_until(lambda: next(answers)) == "here"

    def test_a_wait_that_ends_says_for_what_and_what_it_saw(self) -> None:
        with pytest.raises(AssertionError, match=r"^waited 0 s for the lamp; saw last: dark$"):
            wait_until(lambda: False, "the lamp", seconds=0, saw=lambda: "dark")

    def test_without_a_name_it_says_the_condition_itself(self) -> None:
        with pytest.raises(AssertionError, match=r"wait_until\(lambda: not LANES\[0\], seconds=0\); saw last: False$"):
            wait_until(lambda: not LANES[0], seconds=0)

    def test_an_exception_counts_as_not_yet_where_that_was_said(self) -> None:
        looks = []

        def look() -> bool:
            looks.append(1)
            if len(looks) < 3:
                raise OSError("nobody listens")
            return True

        assert wait_until(look, fails=OSError)
        with pytest.raises(ZeroDivisionError):
            wait_until(lambda: bool(1 // 0), seconds=0)

    def test_a_look_that_fails_hides_no_failure(self) -> None:
        with pytest.raises(AssertionError, match="saw last: ZeroDivisionError"):
            wait_until(lambda: False, "x", seconds=0, saw=lambda: 1 // 0)

    @pytest.mark.parametrize("seconds", [0, 60])
    def test_in_a_loop(self, seconds: int) -> None:
        answers = iter([False, True, True])
        if seconds:
            assert asyncio.run(wait_until_async(lambda: next(answers)))
        else:
            with pytest.raises(AssertionError, match="waited 0 s for x; saw last: False"):
                asyncio.run(wait_until_async(lambda: False, "x", seconds=0))


class TestCosts:
    def test_what_one_process_wrote_is_read_again(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        costs = Costs({"tests/e2e/a.py::x": 2.0}, {"tests/e2e/a.py::x": "failed"}, [("cluster (session) of ", 3.0)])
        monkeypatch.setenv("DEPLOYER_TEST_COSTS", str(tmp_path / "costs"))
        costs.write()
        assert read_costs(tmp_path / "costs") == costs
        assert read_costs(tmp_path / "none") == Costs()

    def test_the_table(self) -> None:
        one = Costs({"tests/e2e/a.py::x": 2.0, "tests/e2e/a.py::y": 3.5}, {}, [("cluster (session) of ", 30.0)])
        two = Costs({"tests/e2e/b.py::z": 40.25})
        assert render_costs([one, two]).splitlines() == [
            "seconds by file:",
            "     40.2  b.py",
            "      5.5  a.py",
            "the 10 slowest tests:",
            "     40.2  tests/e2e/b.py::z",
            "      3.5  tests/e2e/a.py::y",
            "      2.0  tests/e2e/a.py::x",
            "set-up of fixtures:",
            "     30.0  cluster (session) of ",
        ]


class TestLeftovers:
    """Docker is a program that answers from a file; what it is asked to remove is written down."""

    def found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, containers: str) -> tuple[list[str], list[str]]:
        (tmp_path / "containers").write_text(containers)
        docker = tmp_path / "docker"
        docker.write_text(
            f'#!/bin/sh\ncase $1 in ps) cat {tmp_path}/containers;; network) ;; *) echo "$@" >>{tmp_path}/asked;; esac\n'
        )
        docker.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        removed = leftovers.remove_leftovers()
        asked = tmp_path / "asked"
        return removed, asked.read_text().splitlines() if asked.exists() else []

    def test_only_what_tests_made_that_run_no_more(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        over = subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
        )
        gone, here = over.stdout.strip(), os.getpid()
        rows = [
            (f"deployer-test-e2e-{gone}-master", ""),
            (f"deployer-test-e2e-{here}-master", ""),
            ("deployer-sandbox-master", ""),
            ("somebodys-database", ""),
            ("deployer-lock-0123", gone),
            ("deployer-lock-4567", str(here)),
        ]
        monkeypatch.setattr(leftovers, "_is_over", lambda process, _: process == int(gone))
        removed, asked = self.found(tmp_path, monkeypatch, "".join(f"{name}\t{label}\n" for name, label in rows))
        assert removed == [f"container deployer-test-e2e-{gone}-master", "container deployer-lock-0123"]
        assert asked == [f"rm --force --volumes {line.partition(' ')[2]}" for line in removed]

    def test_folders_of_runs_that_are_over(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "deployer-test-1-abc").mkdir()
        (tmp_path / "deployer-test-mine").mkdir()
        removed, _ = self.found(tmp_path, monkeypatch, "")
        assert removed == [f"folder {tmp_path}/deployer-test-1-abc"]
        assert (tmp_path / "deployer-test-mine").exists()

    def test_a_process_of_tests_is_told_from_another(self) -> None:
        assert leftovers._is_over(1, ())
        with subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()", "pytest"], stdin=subprocess.PIPE
        ) as running:
            wait_until(
                lambda: not leftovers._is_over(running.pid, ())
            )  # its command line is there a moment after its start
            assert leftovers._is_over(running.pid, (running.pid,))
        assert leftovers._is_over(running.pid, ())
