"""Run what waits for child processes in threads of its own, as many as there are processors."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from deployer.startup import defer_imports

with defer_imports():
    from deployer.cage import children

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def run_side_by_side(run: Callable[[_Given], _Made], given: Sequence[_Given]) -> list[_Made]:
    """What `run` makes of each, in their order. Where one raises, the children of all the others are ended."""
    if len(given) < 2:
        return [run(one) for one in given]
    with ThreadPoolExecutor(min(len(given), os.cpu_count() or 1)) as pool:
        try:
            return list(pool.map(run, given))
        except BaseException:
            children.end_all()
            pool.shutdown(cancel_futures=True)
            raise
