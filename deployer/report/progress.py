"""The four ways to show what a run is doing, behind one protocol."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING, Literal, Protocol

from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.plan.outcome import Event, Report
    from deployer.plan.steps import Plan
    from deployer.report.paint import Paint

with defer_imports():
    from deployer.report import live, ndjson, plain

Kind = Literal["tty", "plain", "json", "quiet"]
Asked = Literal["auto", "tty", "plain", "json", "quiet"]


class Progress(Protocol):
    """What the workflow is given to talk to: lines, the plan before its first step, events. Always closed at the end."""

    def say(self, line: str) -> None: ...
    def show(self, plan: Plan) -> None: ...
    def listen(self, event: Event) -> None: ...
    def end(self, report: Report) -> None: ...
    def close(self) -> None: ...


class QuietProgress:
    """Says nothing."""

    def say(self, line: str) -> None: ...
    def show(self, plan: Plan) -> None: ...
    def listen(self, event: Event) -> None: ...
    def end(self, report: Report) -> None: ...
    def close(self) -> None: ...


def which(asked: Asked, environment: Mapping[str, str], *, terminal: bool) -> Kind:
    """`auto` is the live tree on a terminal that can move its cursor, outside CI; plain lines otherwise."""
    if asked != "auto":
        return asked
    return "tty" if terminal and not environment.get("CI") and environment.get("TERM") != "dumb" else "plain"


def open_progress(kind: Kind, stream: IO[str], paint: Paint, *, verbose: bool = False, plan: bool = True) -> Progress:
    """The progress of that kind, on `stream`; `plan` says whether the plan's text is a part of it."""
    match kind:
        case "quiet":
            return QuietProgress()
        case "plain":
            return plain.PlainProgress(stream, paint, time.monotonic, verbose=verbose, plan=plan)
        case "json":
            return ndjson.NdjsonProgress(stream)
        case "tty":
            return live.LiveProgress(stream, paint, verbose=verbose, plan=plan)
