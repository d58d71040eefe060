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


def run_side_by_side(
    run: Callable[[_Given], _Made], given: Sequence[_Given], tell: Callable[[_Made], None] = lambda _: None
) -> list[_Made]:
    """Return what `run` makes of each, in their order; `tell` gets each as soon as it and all before it are made.

    If one of them raises, the children of all the others are ended.
    """
    made: list[_Made] = []
    with ThreadPoolExecutor(min(len(given), os.cpu_count() or 1) or 1) as pool:
        try:
            for one in pool.map(run, given) if len(given) > 1 else map(run, given):
                tell(one)
                made.append(one)
        except BaseException:
            children.end_all()
            pool.shutdown(cancel_futures=True)
            raise
    return made
