"""Threads that wait for children: results in their order, and no child of the others is left where one fails."""

from __future__ import annotations

import threading

import pytest

from deployer.cage import children
from deployer.compose.side_by_side import run_side_by_side


def test_several_run_at_once_and_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    both = threading.Barrier(2, timeout=60)

    def meet(number: int) -> int:
        both.wait()  # a third of them would break it, and so would one alone
        return -number

    assert run_side_by_side(meet, range(6)) == [0, -1, -2, -3, -4, -5]


def test_one_is_run_where_it_is_asked_for() -> None:
    assert run_side_by_side(lambda _: threading.current_thread(), [1]) == [threading.current_thread()]
    assert run_side_by_side(lambda one: one, list[int]()) == []


def test_where_one_fails_the_children_of_the_others_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(children, "end_all", ended.set)

    def fail(number: int) -> None:
        if number == 0:
            raise ValueError("first")
        assert ended.wait(60)

    with pytest.raises(ValueError, match="first"):
        run_side_by_side(fail, [0, 1])
    assert ended.is_set()
