"""The helper that all waits of the tests go by."""

from __future__ import annotations

import pytest

from tests.fakes import run
from tests.waiting import LONGEST_SIGHT, wait_until, wait_until_async


def test_the_first_true_value_is_returned() -> None:
    values = iter([0, "", None, "there", "later"])
    assert wait_until(lambda: next(values), "a value", pause=0) == "there"
    values = iter([0, "there", "later"])
    assert run(wait_until_async(lambda: next(values), "a value", pause=0)) == "there"


def test_a_failure_says_what_it_waited_for_how_long_and_what_it_saw_last() -> None:
    with pytest.raises(AssertionError, match=r"^waited 0 s for three lines; last seen: one\ntwo$"):
        wait_until(lambda: False, "three lines", 0, saw=lambda: "one\ntwo")
    with pytest.raises(AssertionError, match=r"^waited 0 s for three lines; last seen: \[\]$"):
        run(wait_until_async(list, "three lines", 0))


def test_of_much_that_was_seen_the_end_is_shown() -> None:
    with pytest.raises(AssertionError) as caught:
        wait_until(lambda: False, "an end", 0, saw=lambda: "x" * LONGEST_SIGHT + "the end")
    assert str(caught.value).endswith("the end")
    assert len(str(caught.value)) < LONGEST_SIGHT + 100
