"""Progress as a tree on a terminal, redrawn in place."""

from __future__ import annotations

import threading
import time
from typing import IO, TYPE_CHECKING

from deployer.model.printable import printable
from deployer.plan.operations import describe
from deployer.plan.outcome import Progress
from deployer.report.plan import paint_plan
from deployer.report.stream import tell
from deployer.report.tree import Tree
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from rich.live import Live

    from deployer.plan.outcome import Event, Report
    from deployer.plan.steps import Plan
    from deployer.report.paint import Paint
    from deployer.report.tree import Line, Marks

with defer_imports():
    from deployer.report import screen


class LiveProgress:
    """The tree starts with the first step; until then, and for what is said meanwhile, lines scroll as usual.

    With `verbose` the steps' own output scrolls above it.
    """

    def __init__(self, stream: IO[str], paint: Paint, *, verbose: bool = False, plan: bool = True) -> None:
        self._stream = stream
        self._paint = paint
        self._verbose = verbose
        self._shows_plan = plan
        self._tree = Tree()
        self._live: Live | None = None
        self._lock = threading.Lock()

    def say(self, line: str) -> None:
        if self._live:
            self._live.console.print(printable(line), style="dim", markup=False, highlight=False, soft_wrap=True)
        else:
            tell(self._stream, self._paint(printable(line), "dim") + "\n")

    def show(self, plan: Plan) -> None:
        self._tree.show(plan)
        if self._shows_plan:
            tell(self._stream, paint_plan(plan, self._paint) + "\n")

    def listen(self, event: Event) -> None:
        with self._lock:
            self._tree.listen(event, time.monotonic())
        if self._live is None:
            self._live = screen.start_screen(self._stream, self._lines, colours=self._paint.on)
        if self._verbose and isinstance(event, Progress):
            for line in event.text.splitlines():
                self.say(f"{describe(event.step.operation)[0]} | {line}")

    def end(self, report: Report) -> None:
        """The result is printed by whoever asked for it."""

    def close(self) -> None:
        """Leave the last picture where it is, and the cursor below it."""
        live, self._live = self._live, None
        if live:
            live.stop()
            tell(self._stream, "\n")

    def _lines(self, height: int, marks: Marks) -> list[Line]:
        """Called from rich's own thread as well: hence the lock."""
        with self._lock:
            return self._tree.lines(time.monotonic(), height, marks)
