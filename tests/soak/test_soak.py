"""Rounds, seeds and the time they are given: with a clock of the test's own, and with tests that are made up."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from tests.soak.__main__ import summary
from tests.soak.forms import FORMS, Form, shares
from tests.soak.playing import PROJECT, Played, Player
from tests.soak.rounds import limit, seeds

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest


def test_every_random_test_has_a_form() -> None:
    random = re.compile(r"^from hypothesis import .*given|random\.Random\(", re.MULTILINE)
    files = {
        str(path.relative_to(PROJECT))
        for path in (PROJECT / "tests").rglob("test_*.py")
        if path.parent.name not in {"soak", "bench"} and random.search(path.read_text("utf-8"))
    }
    assert files == {test.partition("::")[0] for form in FORMS for test in form.tests}, "tests/soak/forms.py lists them"


def test_without_a_soak_there_is_one_round_with_the_tests_own_seed(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(seeds(3, {})) == [3]
    assert capsys.readouterr().out == "soak: seed 3\n"
    assert limit(600, {}) == 600
    assert limit(600, {"SOAK_SEED": "1"}) == 0


def test_a_seed_alone_is_one_round() -> None:
    assert list(seeds(3, {"SOAK_SEED": "42"})) == [42]


def test_rounds_go_on_while_the_longest_one_fits() -> None:
    """Each takes ten seconds more than the one before; after the third (30 s) 40 are left, after the fourth none."""
    now = [1000.0]
    played = []
    for seed in seeds(3, {"SOAK_SEED": "42", "SOAK_UNTIL": "1100"}, lambda: now[0]):
        played.append(seed)
        now[0] += 10 * len(played)
    assert played == [42, 43, 44, 45]


def test_the_time_is_shared_by_weight() -> None:
    forms = (Form("a", (), 1), Form("b", (), 3))
    assert shares(forms, 100) == {"a": 25, "b": 75}
    assert shares(forms[1:], 90) == {"b": 90}


def player(folder: Path, say: Callable[[str], object] = str) -> Player:
    return Player(folder / "kept", say, workers=0)


MADE_UP = """
from hypothesis import given, strategies as st, settings
@settings(max_examples=20)
@given(st.integers(0, 10**9))
def test_numbers(number):
    with open({file!r}, "a") as file:
        print(number, file=file)
    assert number % 1000 < {most}
"""


def made_up(folder: Path, most: int) -> tuple[Form, Path]:
    """A form whose one test writes its numbers down, and fails for those that end in `most` or more."""
    seen = folder / "seen"
    (folder / "conftest.py").write_text("import tests.conftest\n")  # which has hypothesis' profiles
    (folder / "test_made_up.py").write_text(MADE_UP.format(file=str(seen), most=most))
    return Form("numbers", (str(folder / "test_made_up.py"),), 1), seen


def test_a_seed_repeats_its_round_and_another_is_another(tmp_path: Path) -> None:
    """Down to the failure, which names its seed and keeps what was said."""
    form, seen = made_up(tmp_path, 100)
    rounds: list[str] = []
    said: list[str] = []
    for seed in (7, 7, 8):
        played = player(tmp_path, said.append).play(form, seed, 600, once=False)
        assert (played.state, played.seeds) == ("failed", (seed,))
        assert played.log == tmp_path / f"kept/numbers-{seed}.log"
        assert "Failing test case: test_numbers(" in played.log.read_text()
        rounds.append(seen.read_text())
        seen.unlink()
    assert rounds[0] == rounds[1] != rounds[2]
    assert said == ["numbers: seed 7", "numbers: seed 7", "numbers: seed 8"]


REAL = """
import pathlib, pytest, time
from tests.soak.rounds import seeds
@pytest.fixture
def machine():
    yield
    pathlib.Path({down!r}).touch()
@pytest.mark.e2e
def test_rounds(machine):
    for seed in seeds(3):
        {body}
"""


def real(folder: Path, body: str) -> Form:
    """A form whose one test sets something up, and makes a file `down` when it takes that down."""
    (folder / "test_real.py").write_text(REAL.format(body=body, down=str(folder / "down")))
    return Form("real", (str(folder / "test_real.py"),), 1, real=True)


def test_rounds_in_one_process_are_heard(tmp_path: Path) -> None:
    said: list[str] = []
    form = real(tmp_path, "assert seed < 44, f'it was {seed}'")
    played = player(tmp_path, said.append).play(form, 42, 600, once=False)
    assert said == ["real: seed 42", "real: seed 43", "real: seed 44"]
    assert (played.state, played.seeds, played.log) == ("failed", (42, 43, 44), tmp_path / "kept/real-44.log")
    assert played.log
    assert "it was 44" in played.log.read_text()


def test_one_that_is_stopped_takes_down_what_it_made_and_has_not_failed(tmp_path: Path) -> None:
    form = real(tmp_path, "time.sleep(600)")
    begun = threading.Event()
    stopped = player(tmp_path, lambda _line: begun.set())
    playing: list[Played] = []
    thread = threading.Thread(target=lambda: playing.append(stopped.play(form, 42, 600, once=True)))
    thread.start()
    assert begun.wait(60)
    stopped.stop()
    thread.join(60)
    assert [one.state for one in playing] == ["cut"]
    assert (tmp_path / "down").exists()


def test_no_time_at_all_is_a_round_that_is_cut(tmp_path: Path) -> None:
    form = real(tmp_path, "time.sleep(600)")
    played = player(tmp_path).play(form, 42, 0, once=True)
    assert played.state == "cut"


def test_the_summary_has_a_line_a_form(tmp_path: Path) -> None:
    log = tmp_path / "plans-9.log"
    lines = summary([
        Played("documents", "passed", (7, 8, 9), 12.4),
        Played("plans", "failed", (9,), 3.0, log),
        Played("kills", "not run", (), 0, reason="no engine"),
    ]).splitlines()  # fmt: skip
    assert lines == [
        "FORM         RESULT   ROUNDS  SECONDS   SEEDS",
        "documents    passed        3       12   7 to 9",
        f"plans        failed        1        3   9   last: {log}",
        "kills        not run       0        0   -   no engine",
    ]


def test_a_form_that_there_is_not_is_wrong_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--only", "nosuch"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "invalid choice: 'nosuch'" in done.stderr
