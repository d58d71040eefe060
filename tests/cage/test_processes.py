"""Other processes, and what one process may take: nothing of another's, its own within its limits, an end for all of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployer.cage import children
from deployer.cage.children import CageError, StoppedError, caged_call, end_all, run_caged
from deployer.cage.rules import Limits, Rules
from tests.cage.conftest import PROBE, PYTHON, attempt, needs_cage, python_rules, start
from tests.waiting import wait_until

SECONDS = 60.0


def written(file: Path) -> bool:
    return file.exists() and file.read_text() != ""


def alive(process: int) -> bool:
    """A zombie is not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


@needs_cage
@pytest.mark.parametrize("name", ["trace", "memory_of", "kill", "limit_of"])
def test_another_process_is_out_of_reach(name: str) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        if name != "kill":  # only newer kernels keep signals inside
            assert attempt(python_rules(), name, other.pid)["refused"] in {"EPERM", "EACCES"}
        assert attempt(python_rules(), name, os.getpid())["refused"] in {"EPERM", "EACCES"}
    finally:
        other.kill()
        other.wait()


@needs_cage
def test_the_same_without_walls(off: None) -> None:
    assert attempt(python_rules(), "kill", os.getpid()) == {"did": "reached"}
    assert attempt(python_rules(), "fork") == {"did": "forked"}


@needs_cage
def test_root_is_no_root_there(private: Path) -> None:
    rules = python_rules(read=("/proc", private))
    for name, *arguments in (("unshare", "10000000"), ("unshare", "40000000"), ("mount", private), ("root", private)):
        assert attempt(rules, name, *arguments)["refused"] == "EPERM", name
    assert attempt(rules, "raise_limit") == {"refused": "EPERM"}
    assert attempt(rules, "capabilities") == {"did": ["0" * 16] * 4}


@needs_cage
@pytest.mark.parametrize("number", [425, 437, 463, 466, 469, 600, 100_000])
def test_a_call_that_is_not_known_is_not_there(number: int) -> None:
    assert attempt(python_rules(), "system_call", number) == {"refused": "ENOSYS"}


@needs_cage
def test_processes_are_counted() -> None:
    assert attempt(python_rules(), "fork")["refused"] in {"EPERM", "EAGAIN"}
    assert attempt(python_rules(), "threads", 20) == {"did": 20}
    assert attempt(python_rules(processes=3), "forks", 10) == {"did": 3}


@needs_cage
def test_a_fork_bomb_comes_to_nothing() -> None:
    rules = python_rules(processes=20, limits=Limits(seconds=30))
    ended = start(rules, "bomb")
    assert b"EAGAIN" in ended.out


def test_memory_has_an_end() -> None:
    rules = python_rules(limits=Limits(memory=200 << 20))
    assert attempt(rules, "hog", 100) == {"did": "has 100 MiB"}
    assert attempt(rules, "hog", 400) == {"refused": "ENOMEM"}


def test_processor_time_has_an_end() -> None:
    ended = start(python_rules(limits=Limits(cpu=1)), "spin")
    assert (ended.code < 0, ended.beyond) == (True, "1 s of processor time")


def test_time_has_an_end_and_nobody_stays(private: Path) -> None:
    rules = python_rules(write=(private,), processes=10, limits=Limits(seconds=0.5))
    ended = start(rules, "sleep")
    assert (ended.code, ended.beyond) == (-signal.SIGKILL, "0.5 s")


def test_whom_a_child_leaves_behind_is_ended_with_it(private: Path) -> None:
    left = attempt(python_rules(write=(private,), processes=10), "leave", private / "pid")["did"]
    wait_until(lambda: not alive(int(left)), f"the end of process {left}")


def test_without_walls_too(private: Path, off: None) -> None:
    left = attempt(python_rules(write=(private,), processes=10), "leave", private / "pid")["did"]
    wait_until(lambda: not alive(int(left)), f"the end of process {left}")


def test_its_environment_is_what_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "canary")
    given = {"A": "1", "EMPTY": "", "ODD": "a=b\nc"}
    said = json.loads(start(python_rules(), "environment", environment=given).out)["did"]
    assert {
        name: value for name, value in said.items() if name != "LC_CTYPE"
    } == given  # Python's own, where there is no locale


def test_core_dumps_are_off_and_files_counted() -> None:
    assert attempt(python_rules(limits=Limits(files=64)), "limits") == {"did": [1, 64]}


def test_input_and_output_of_any_size() -> None:
    data = os.urandom(3 << 20)
    assert run_caged(["/bin/cat"], rules=Rules(), stdin=data).out == data
    assert run_caged(["/bin/true"], rules=Rules(), stdin=data).code == 0


def test_output_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LARGEST_OUTPUT", 1 << 20)
    ended = run_caged(["/bin/cat", "/dev/zero"], rules=Rules())
    assert (ended.code, ended.beyond) == (-signal.SIGKILL, "1 MiB of output")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(CageError, match="/no/such/program cannot be started in a cage: FileNotFoundError"):
        run_caged(["/no/such/program"], rules=Rules())


def test_children_of_several_threads_at_once() -> None:
    said: dict[int, bytes] = {}

    def one(number: int) -> None:
        for turn in range(5):
            said[number * 5 + turn] = run_caged(["/bin/echo", str(number * 5 + turn)], rules=Rules()).out

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {number: f"{number}\n".encode() for number in range(20)}


def test_ending_all_ends_them_and_later_ones_run(private: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(start, python_rules(write=(private,)), "write_and_sleep", private / "pid")
        wait_until(lambda: written(private / "pid"), "the child")
        end_all()
        with pytest.raises(StoppedError):
            waiting.result(SECONDS)
    assert not alive(int((private / "pid").read_text()))
    assert run_caged(["/bin/true"], rules=Rules()).code == 0


CALLER = """
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.cage.conftest import python_rules, start
start(python_rules(write=({folder!r},)), "write_and_sleep", Path({folder!r}, "pid"))
"""


@pytest.mark.parametrize("who", ["caller", "warden"])
def test_nobody_outlives_who_watches_them(who: str, private: Path) -> None:
    text = CALLER.format(root=str(Path(__file__).parents[2]), folder=str(private))
    with subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.DEVNULL) as caller:
        wait_until(lambda: written(private / "pid"), "the child")
        child = int((private / "pid").read_text())
        warden = int(Path(f"/proc/{child}/stat").read_text().split()[3])
        os.kill(caller.pid if who == "caller" else warden, signal.SIGKILL)
        wait_until(lambda: not alive(child) and not alive(warden), f"the end of {child} and {warden}")
        caller.wait(SECONDS)


def test_a_library_that_starts_programs_itself(tmp_path: Path, private: Path) -> None:
    secrets = {f"SECRET_{number}": "x" * 100_000 for number in range(8)}  # more than a socket holds
    with caged_call(private, [PYTHON, "-I", "-S", str(PROBE)], python_rules(), secrets, private / "log") as call:
        for _ in range(2):
            done = subprocess.run(
                [*call, "environment"], env=os.environ | {"OURS": "canary"}, check=False, timeout=SECONDS
            )
            assert done.returncode == 0
            assert json.loads((private / "log").read_text())["did"].items() >= secrets.items()
            assert "canary" not in (private / "log").read_text()
        assert subprocess.run([*call, "die"], check=False, timeout=SECONDS).returncode == 128 + signal.SIGABRT
    assert "order" in [path.name for path in private.iterdir()]


def test_a_call_that_is_ended_ends_its_program(private: Path) -> None:
    with caged_call(private, [PYTHON, "-I", "-S", str(PROBE)], python_rules(write=(private,)), {}) as call:
        with subprocess.Popen([*call, "write_and_sleep", str(private / "pid")]) as process:
            wait_until(lambda: written(private / "pid"), "the child")
            process.terminate()
            assert process.wait(SECONDS) == 128 + signal.SIGKILL
        wait_until(lambda: not alive(int((private / "pid").read_text())), "its end")
