"""Work by owner: what concerns one owner is done in order, what concerns different ones side by side, by a bounded number of threads."""

from __future__ import annotations

import queue
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Lanes(Generic[T]):
    """`do` is called with each item that is put in. It does not raise; what it raises all the same ends in the item's Future."""

    def __init__(self, do: Callable[[T], None], threads: int) -> None:
        self._do = do
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[tuple[T, Future[None]]]] = {}
        """The owners that have work, or whose work is being done."""
        self._ready: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"lane-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def put(self, owner: str, item: T) -> Future[None]:
        """Have `item` done after what is already there for its owner. An equal item that comes right before is enough."""
        with self._lock:
            lane = self._waiting.get(owner)
            if lane and lane[-1][0] == item:
                return lane[-1][1]
            future: Future[None] = Future()
            if lane is None:
                self._waiting[owner] = deque([(item, future)])
                self._ready.put(owner)
            else:
                lane.append((item, future))
            return future

    def __len__(self) -> int:
        """How many owners have work."""
        with self._lock:
            return len(self._waiting)

    def close(self, seconds: float) -> None:
        """Let what is being done end, within that time; what waits is left."""
        for _ in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            thread.join(seconds / len(self._threads))

    def _work(self) -> None:
        while (owner := self._ready.get()) is not None:
            with self._lock:
                item, future = self._waiting[owner].popleft()
            try:
                self._do(item)
                future.set_result(None)
            except BaseException as error:  # noqa: BLE001 - the one who waits gets it
                future.set_exception(error)
            with self._lock:
                if self._waiting[owner]:
                    self._ready.put(owner)
                else:
                    del self._waiting[owner]
