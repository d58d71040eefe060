"""Medians, spreads and the table, with made-up numbers."""

from __future__ import annotations

import json

import pytest

from tests.bench.document import Document, encode, entry
from tests.bench.figures import PEAK, WALL, Measure, Result, Round, Spread, compare, number, spread, table
from tests.bench.machine import Machine

ANSWERS = Measure("answers", "")
FIVE = tuple(
    Round({WALL: ours, PEAK: 78.0}, {WALL: peer}) for ours, peer in [(1, 10), (2, 40), (3, 30), (1, 11), (9, 90)]
)


def test_a_spread_has_the_median_and_both_ends() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(3, 2.0, 1.0, 3.0)
    assert spread([4.0, 1.0]) == Spread(2, 2.5, 1.0, 4.0)
    assert spread([]) is None


def test_rounds_are_compared_one_by_one() -> None:
    """The ratio of the medians would be 15: the machine was slow in the round with 9 and 90."""
    wall, peak = compare(FIVE)
    assert (wall.measure, wall.ours, wall.peer) == (WALL, Spread(5, 2, 1, 9), Spread(5, 30, 10, 90))
    assert (wall.ratio, wall.difference) == (10.0, -27)
    assert (peak.measure, peak.ours, peak.peer, peak.ratio, peak.difference) == (
        PEAK, Spread(5, 78.0, 78.0, 78.0), None, None, None,
    )  # fmt: skip


def test_nothing_took_no_time_at_all() -> None:
    (one,) = compare([Round({WALL: 0.0}, {WALL: 2.0})])
    assert (one.ratio, one.difference) == (None, -2.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.00412, "0.0041"),
        (0.9253, "0.925"),
        (1.19, "1.19"),
        (15.64, "15.6"),
        (1369, "1369"),
        (-2.5, "-2.50"),
    ],
)
def test_a_number_has_the_digits_that_matter(value: float, text: str) -> None:
    assert number(value) == text


PLANNED = Result("a plan", "a loop of deploys", "docs: 17 times", "done", FIVE)
CUT = Result("a push", "a bare push", "", "interrupted", (Round({ANSWERS: 1369}, {ANSWERS: 12}),), "Ctrl-C")
LACKING = Result("a restart", "by hand", "", "not run", reason="no engine answers")


def test_the_table_has_every_measure_and_every_reason() -> None:
    shown = table([PLANNED, CUT, LACKING])
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "a plan wall, s 2.00 (1.00 to 9.00) 30.0 (10.0 to 90.0) 10.0 -27.0" in lines
    assert "against: a loop of deploys peak memory, MiB 78.0 (78.0 to 78.0) - - -" in lines
    assert "a push answers 1369 12 0.0088 +1357" in lines
    for words in ("said: docs: 17 times", "rounds: 5", "interrupted: Ctrl-C"):
        assert words in lines
    assert shown.endswith(
        "Not measured in full:\n  a push: interrupted: Ctrl-C\n  a restart: not run: no engine answers\n"
    )
    assert max(len(line) for line in shown.splitlines()) <= 168


def test_a_table_of_nothing() -> None:
    assert table([LACKING]) == "Not measured in full:\n  a restart: not run: no engine answers\n"


def test_what_is_kept_has_every_sample() -> None:
    machine = Machine(2, 24_105, "a processor", "6.18", "Debian", (0.5, 0.4, 0.3), {"git": "2.39"})
    kept = json.loads(encode(Document(1, "41189ef", "then", "later", machine, (entry(PLANNED), entry(LACKING)))))
    assert kept["machine"]["load"] == [0.5, 0.4, 0.3]
    plan, restart = kept["cases"]
    assert [one["ours"]["wall, s"] for one in plan["rounds"]] == [1, 2, 3, 1, 9]
    assert plan["rounds"][1]["peer"] == {"wall, s": 40}
    assert plan["figures"][0]["ours"] == {"count": 5, "median": 2.0, "least": 1.0, "most": 9.0}
    assert (restart["state"], restart["reason"], restart["rounds"]) == ("not run", "no engine answers", [])
