"""The drawing of a tree on a terminal, by rich: the only module that imports it, as that takes 60 ms."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Literal, cast

from rich.console import Console
from rich.live import Live
from rich.text import Text

from deployer.report.stream import Telling
from deployer.report.tree import ASCII, UNICODE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deployer.report.tree import Line, Marks

REFRESH = 8
"""Pictures a second."""


def start_screen(stream: IO[str], lines: Callable[[int, Marks], Sequence[Line]], *, colours: bool) -> Live:
    """A display that asks `lines` for its picture, with the height and the marks to use, also from rich's own thread."""
    system: Literal["standard"] | None = "standard" if colours else None
    console = Console(
        file=cast("IO[str]", Telling(stream)),
        force_terminal=True,
        color_system=system,
        no_color=False,
        highlight=False,
    )

    def draw() -> Text:
        marks = UNICODE if console.encoding.startswith("utf") else ASCII
        return _draw(lines(console.height - 1, marks), console.width)

    live = Live(
        console=console,
        get_renderable=draw,
        refresh_per_second=REFRESH,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    live.start()
    return live


def _draw(lines: Sequence[Line], width: int) -> Text:
    text = Text(no_wrap=True, end="")
    for number, line in enumerate(lines):
        room = max(width - len(line.time) - 2, 1)
        shown = Text(line.text, style=line.tone or "")
        shown.truncate(room, overflow="ellipsis", pad=bool(line.time))
        text.append("\n" if number else "").append_text(shown)
        text.append(f"  {line.time}" if line.time else "", style="dim")
    return text
