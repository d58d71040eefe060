"""Progress as whole lines, one an event: for pipes, hooks and CI."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from deployer.model.amounts import duration
from deployer.model.printable import printable
from deployer.report.stream import tell
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.plan.outcome import Event, Report
    from deployer.plan.steps import Plan, Step
    from deployer.report.paint import Paint

with defer_imports():  # whoever only validates has no steps
    from deployer.plan import operations
    from deployer.plan import outcome as events
    from deployer.report import plan as report_plan
    from deployer.report import words

PAUSE: Final = 0.3
"""Seconds between two lines of one step; what comes faster is left out, unless all is asked for (`-v`)."""
WIDEST_SUBJECT: Final = 24


class PlainProgress:
    """`slave    | install Docker from the distribution's packages: done in 31.2 s`

    Every line names its subject, so that machines at work side by side stay readable. With `verbose` every line of a
    step's output is printed, and each line starts with the time since the start.
    """

    def __init__(
        self, stream: IO[str], paint: Paint, clock: Callable[[], float], *, verbose: bool = False, plan: bool = True
    ) -> None:
        self._stream = stream
        self._paint = paint
        self._clock = clock
        self._verbose = verbose
        self._shows_plan = plan
        self._start = clock()
        self._width = 0
        self._last: dict[int, tuple[float, str]] = {}

    def say(self, line: str) -> None:
        self._line(printable(line))

    def show(self, plan: Plan) -> None:
        self._width = max((len(_subject(step)) for step in plan.steps), default=0)
        if self._shows_plan:
            tell(self._stream, f"{report_plan.paint_plan(plan, self._paint)}\n")

    def listen(self, event: Event) -> None:
        _, verb = operations.describe(event.step.operation)
        match event:
            case events.Began(step):
                self._step(step, f"{verb} ...")
            case events.Progress(step, text):
                self._progress(step, text)
            case events.Ended(step, outcome):
                self._step(step, f"{verb}: {self._paint(words.outcome_text(outcome), words.outcome_tone(outcome))}")

    def end(self, report: Report) -> None:
        """The result is printed by whoever asked for it."""

    def close(self) -> None:
        """Nothing is held."""

    def _progress(self, step: Step, text: str) -> None:
        for line in filter(None, map(str.strip, text.splitlines())):
            then, before = self._last.get(step.number, (-PAUSE, ""))
            now = self._clock()
            if self._verbose or (line != before and now - then >= PAUSE):
                self._last[step.number] = (now, line)
                self._step(step, self._paint(f"  {printable(line)}", "dim"))

    def _step(self, step: Step, text: str) -> None:
        self._line(f"{_subject(step).ljust(self._width)} | {text}")

    def _line(self, text: str) -> None:
        since = f"[{duration(self._clock() - self._start):>8}] " if self._verbose else ""
        tell(self._stream, f"{since}{text}\n")


def _subject(step: Step) -> str:
    subject = printable(operations.describe(step.operation)[0])
    return subject if len(subject) <= WIDEST_SUBJECT else subject[: WIDEST_SUBJECT - 1] + "…"
