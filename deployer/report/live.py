"""Events in, a tree on a terminal out, redrawn in place."""

from __future__ import annotations

import threading
import time
from typing import IO, TYPE_CHECKING, Final, Literal, cast

from deployer.model.printable import printable
from deployer.plan.operations import describe
from deployer.plan.outcome import Progress
from deployer.report.plan import painted_plan
from deployer.report.stream import Telling, tell
from deployer.report.tree import ASCII, UNICODE, Tree

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from deployer.plan.outcome import Event, Report
    from deployer.plan.steps import Plan
    from deployer.report.paint import Paint

REFRESH: Final = 8
"""Pictures a second."""


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
            tell(self._stream, painted_plan(plan, self._paint) + "\n")

    def listen(self, event: Event) -> None:
        with self._lock:
            self._tree.listen(event, time.monotonic())
        if self._live is None:
            self._start()
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

    def _start(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - takes 60 ms: only where a tree is drawn
        from rich.live import Live  # noqa: PLC0415 - see above

        stream = cast("IO[str]", Telling(self._stream))
        colours: Literal["standard"] | None = "standard" if self._paint.on else None
        console = Console(file=stream, force_terminal=True, color_system=colours, no_color=False, highlight=False)
        self._live = Live(
            console=console,
            get_renderable=lambda: self._picture(console),
            refresh_per_second=REFRESH,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def _picture(self, console: Console) -> Text:
        """Called from rich's own thread as well: hence the lock."""
        from rich.text import Text  # noqa: PLC0415 - see above

        marks = UNICODE if console.encoding.startswith("utf") else ASCII
        with self._lock:
            lines = self._tree.lines(time.monotonic(), console.height - 1, marks)
        text = Text(no_wrap=True, end="")
        for number, line in enumerate(lines):
            room = max(console.width - len(line.time) - 2, 1)
            shown = Text(line.text, style=line.tone or "")
            shown.truncate(room, overflow="ellipsis", pad=bool(line.time))
            text.append("\n" if number else "").append_text(shown)
            text.append(f"  {line.time}" if line.time else "", style="dim")
        return text
