"""Cases that are made up: who runs when, what a failure costs the others, what Ctrl-C leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.bench.cases import Case, MissingError, Place, Resource, Sides, chosen
from tests.bench.figures import PEAK, PROCESSOR, WALL, Measure, Result, Round
from tests.bench.machine import PROJECT
from tests.bench.running import run_cases
from tests.bench.timing import UnexpectedExitError, run, spend_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.figures import Sample

TURN = Measure("turn", "")


class Diary(list[str]):
    """What happened, in order; each side's sample is the number of its turn. What was said is apart."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def sides(self, name: str, ours: BaseException | None = None) -> Sides:
        def side(which: str, error: BaseException | None) -> Sample:
            self.append(f"{name} {which}")
            if error and len(self) > 4:
                raise error
            return {TURN: float(len(self))}

        return Sides(lambda: side("ours", ours), lambda: side("peer", None))

    def case(
        self,
        name: str,
        *needs: Resource[Any],
        rounds: int = 2,
        warm_up: bool = False,
        ours: BaseException | None = None,
    ) -> Case:
        @contextmanager
        def make(_: Place) -> Iterator[Sides]:
            try:
                yield self.sides(name, ours)
            finally:
                self.append(f"{name} taken down")

        return Case(name, "its peer", "", needs, rounds, warm_up, make)

    def resource(
        self, name: str, *on: Resource[Any], fails: Exception | None = None, stays: Exception | None = None
    ) -> Resource[str]:
        @contextmanager
        def make(place: Place) -> Iterator[str]:
            for below in on:
                place.get(below)
            self.append(f"{name} made")
            if fails:
                raise fails
            yield name
            self.append(f"{name} taken down")
            if stays:
                raise stays

        return Resource(name, make, on)

    def run(self, folder: Path, *cases: Case, rounds: int | None = None) -> list[Result]:
        kept: list[Result] = []
        run_cases(cases, Place(folder), rounds=rounds, say=self.said.append, load=lambda: 0.5, keep=kept.append)
        return kept


def test_the_sides_take_turns_and_who_is_first_changes(tmp_path: Path) -> None:
    diary = Diary()
    (result,) = diary.run(tmp_path, diary.case("a", rounds=3))
    assert diary == ["a ours", "a peer", "a peer", "a ours", "a ours", "a peer", "a taken down"]
    assert (result.state, result.reason, result.load_before) == ("done", "", 0.5)
    assert result.rounds == tuple(Round({TURN: ours}, {TURN: peer}) for ours, peer in [(1, 2), (4, 3), (5, 6)])


def test_a_warm_up_does_not_count_and_rounds_can_be_asked_for(tmp_path: Path) -> None:
    diary = Diary()
    (result,) = diary.run(tmp_path, diary.case("a", rounds=9, warm_up=True), rounds=1)
    assert diary == ["a ours", "a peer", "a ours", "a peer", "a taken down"]
    assert result.rounds == (Round({TURN: 3}, {TURN: 4}),)


def test_a_failure_keeps_its_rounds_and_the_other_cases(tmp_path: Path) -> None:
    diary = Diary()
    broken = diary.case("a", rounds=5, ours=ValueError("a\nbug"))
    first, second = diary.run(tmp_path, broken, diary.case("b", rounds=1))
    assert (first.state, len(first.rounds)) == ("failed", 2)
    assert first.reason.startswith("ValueError: a bug File ")
    assert "a taken down" in diary
    assert (second.state, len(second.rounds)) == ("done", 1)


def test_an_interrupt_keeps_what_there_is_and_takes_everything_down(tmp_path: Path) -> None:
    diary = Diary()
    cluster = diary.resource("cluster")
    cut = diary.case("a", cluster, rounds=5, ours=KeyboardInterrupt())
    first, second = diary.run(tmp_path, cut, diary.case("b", cluster))
    assert (first.state, first.reason, len(first.rounds)) == ("interrupted", "Ctrl-C", 1)
    assert (second.state, second.reason) == ("not run", "interrupted before it")
    assert diary[-2:] == ["a taken down", "cluster taken down"]
    assert diary.said == ["[1/2] a", "    interrupted: Ctrl-C"]


def test_what_several_need_is_made_once_and_goes_as_soon_as_nobody_needs_it(tmp_path: Path) -> None:
    diary = Diary()
    cluster, machine = diary.resource("cluster"), diary.resource("machine")
    cases = (diary.case("a", cluster), diary.case("b", cluster, machine), diary.case("c", machine))
    assert [one.state for one in diary.run(tmp_path, *cases, rounds=1)] == ["done"] * 3
    assert [line for line in diary if "ours" in line or line.split()[0] in {"cluster", "machine"}] == [
        "cluster made", "a ours", "machine made", "b ours", "cluster taken down", "c ours", "machine taken down",
    ]  # fmt: skip


def test_what_is_stood_on_goes_last(tmp_path: Path) -> None:
    diary = Diary()
    cluster = diary.resource("cluster")
    socket = diary.resource("socket", cluster)
    diary.run(tmp_path, diary.case("a", cluster), diary.case("b", socket), diary.case("c"), rounds=1)
    assert [line for line in diary if "ours" in line or line.split()[0] in {"cluster", "socket"}] == [
        "cluster made", "a ours", "socket made", "b ours", "socket taken down", "cluster taken down", "c ours",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [(MissingError("no engine"), "not run", "no engine"), (OSError("disk full"), "failed", "OSError: disk full")],
)
def test_what_cannot_be_made_is_tried_once_and_said_of_every_case(
    tmp_path: Path, error: Exception, state: str, reason: str
) -> None:
    diary = Diary()
    cluster = diary.resource("cluster", fails=error)
    first, second = diary.run(tmp_path, diary.case("a", cluster), diary.case("b", cluster))
    assert diary.count("cluster made") == 1
    assert first.state == state
    assert first.reason.startswith(reason)
    assert second.state == "not run"
    assert str(error) in second.reason


def test_what_cannot_be_taken_down_is_said_and_holds_nothing_up(tmp_path: Path) -> None:
    diary = Diary()
    cluster = diary.resource("cluster", stays=OSError("busy"))
    results = diary.run(tmp_path, diary.case("a", cluster), diary.case("b"))
    assert [one.state for one in results] == ["done", "done"]
    assert "    cluster could not be taken down: busy" in diary.said


def test_cases_are_chosen_by_what_stands_in_their_names() -> None:
    diary = Diary()
    cases = [diary.case("validate, cold"), diary.case("a push"), diary.case("Validate, warm")]
    assert chosen(cases, []) == cases
    assert chosen(cases, ["valid"]) == [cases[0], cases[2]]
    assert chosen(cases, ["val*warm"]) == [cases[2]]
    assert chosen(cases, ["PUSH", "cold"]) == cases[:2]
    assert chosen(cases, ["its peer"]) == cases


def test_a_process_is_measured_alone(tmp_path: Path) -> None:
    """What this process holds is not its child's: the kernel would count it as the child's own peak."""
    here = [b"x" * 2**20 for _ in range(150)]
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    ran = run([sys.executable, "-I", "-S", "-c", program], cwd=tmp_path, env=os.environ, codes=(3,))
    assert (ran.code, ran.stdout, ran.stderr) == (3, "out\n", "err\n")
    assert ran.sample[WALL] > 0
    assert ran.sample[PROCESSOR] > 0
    assert 2 < ran.sample[PEAK] < len(here)


def test_what_ends_otherwise_than_it_should_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(UnexpectedExitError, match="exit code 1: no such"):
        run(["sh", "-c", "echo no such >&2; exit 1"], cwd=tmp_path, env=os.environ)
    with pytest.raises(UnexpectedExitError, match="could not be started"):
        run(["./nosuch"], cwd=tmp_path, env=os.environ)
    with pytest.raises(UnexpectedExitError, match=r"not done after 0\.2 s"):
        run(["sleep", "60"], cwd=tmp_path, env=os.environ, seconds=0.2)


def test_several_commands_add_up(tmp_path: Path) -> None:
    sample = spend_all([["true"], ["sh", "-c", "exit 0"]], cwd=tmp_path, env=os.environ)
    assert set(sample) == {WALL, PROCESSOR, PEAK}


def bench(*argv: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench", *argv]


def test_the_cases_are_listed_and_one_that_is_not_there_is_an_error() -> None:
    listed = subprocess.run(bench("--list"), cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "deployer --help\n    against: a bare interpreter" in listed.stdout
    wrong = subprocess.run(bench("--only", "nosuch"), cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "no case has 'nosuch' in its name; --list names them\n"


def test_ctrl_c_prints_what_there_is(tmp_path: Path) -> None:
    kept = ["--keep", str(tmp_path / "kept")]
    with subprocess.Popen(
        bench("--only", "deployer --help", "--rounds", "100000", *kept),
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:  # fmt: skip
        assert process.stderr
        assert "[1/1] deployer --help\n" in iter(process.stderr.readline, "")
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted: taking down what was made" in err
    assert "deployer --help: interrupted: Ctrl-C" in out
    (file,) = (tmp_path / "kept").iterdir()
    assert f"{file} has every sample." in out
    assert [path for path in tmp_path.iterdir() if path.name != "kept"] == []
