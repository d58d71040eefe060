from __future__ import annotations

import threading
from concurrent.futures import wait

import pytest

from deployer.registrator.lanes import Lanes

SECONDS = 10


def test_one_owner_in_order_and_others_beside_it() -> None:
    gate, done = threading.Event(), []

    def do(item: str) -> None:
        if item == "a1":
            assert gate.wait(SECONDS)
        done.append(item)

    lanes = Lanes(do, 2)
    first = [lanes.put("a", item) for item in ("a1", "a2", "a3")]
    lanes.put("b", "b1").result(SECONDS)
    assert done == ["b1"]
    gate.set()
    wait(first, SECONDS)
    assert done == ["b1", "a1", "a2", "a3"]
    assert len(lanes) == 0 or first[-1].done()
    lanes.close(SECONDS)


def test_an_equal_item_that_waits_is_enough_but_one_that_is_being_done_is_not() -> None:
    gate, begun, done = threading.Event(), threading.Event(), []

    def do(item: str) -> None:
        begun.set()
        assert gate.wait(SECONDS)
        done.append(item)

    lanes = Lanes(do, 1)
    lanes.put("a", "look")
    assert begun.wait(SECONDS)
    second, third = lanes.put("a", "look"), lanes.put("a", "look")
    assert second is third
    gate.set()
    second.result(SECONDS)
    assert done == ["look", "look"]
    lanes.close(SECONDS)


def test_a_failure_is_the_one_items_own() -> None:
    def do(item: int) -> None:
        _ = 1 // item

    lanes = Lanes(do, 1)
    failed, went = lanes.put("a", 0), lanes.put("a", 1)
    with pytest.raises(ZeroDivisionError):
        failed.result(SECONDS)
    assert went.result(SECONDS) is None
    lanes.close(SECONDS)
