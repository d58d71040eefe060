"""Samples in, medians with their spread out, and the table of them. Pure: no clock, no process, no file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from statistics import median
from typing import TYPE_CHECKING, Final, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TABLE_WIDTH: Final = 168


@dataclass(frozen=True, order=True)
class Measure:
    """What is measured, and in which unit."""

    name: str
    unit: str

    def __str__(self) -> str:
        return f"{self.name}, {self.unit}" if self.unit else self.name


WALL: Final = Measure("wall", "s")
PROCESSOR: Final = Measure("processor", "s")
PEAK: Final = Measure("peak memory", "MiB")
MEMORY: Final = Measure("memory", "MiB")
IDLE: Final = Measure("idle processor", "%")

Sample = dict[Measure, float]
"""What one run of one side gave."""


@dataclass(frozen=True)
class Spread:
    count: int
    median: float
    least: float
    most: float


def spread(values: Iterable[float]) -> Spread | None:
    """None where there are no values."""
    found = sorted(values)
    return Spread(len(found), median(found), found[0], found[-1]) if found else None


@dataclass(frozen=True)
class Round:
    """One run of each side, one right after the other; `peer` is empty where the round was cut off before it."""

    ours: Mapping[Measure, float]
    peer: Mapping[Measure, float]


State = Literal["done", "failed", "interrupted", "not run"]


@dataclass(frozen=True)
class Result:
    """What became of one case. `reason` says why it is not done; `rounds` are those that were finished all the same."""

    case: str
    peer: str
    claim: str
    state: State
    rounds: tuple[Round, ...] = ()
    reason: str = ""
    load_before: float = 0.0
    load_after: float = 0.0
    """The machine's load average of the last minute."""


@dataclass(frozen=True)
class Comparison:
    """One measure of one case. `ratio` and `difference` are medians over the rounds, each round's own; None without a peer's value."""

    measure: Measure
    ours: Spread | None
    peer: Spread | None
    ratio: float | None
    """The peer's value divided by ours."""
    difference: float | None
    """Ours less the peer's."""


def compare(rounds: Sequence[Round]) -> list[Comparison]:
    """A comparison for each measure, in the order in which they came up.

    Neighbours in time are compared with each other: the machine's other work slows both of them.
    """
    measures = dict.fromkeys(measure for one in rounds for measure in (*one.ours, *one.peer))
    return [_compare(measure, rounds) for measure in measures]


def _compare(measure: Measure, rounds: Sequence[Round]) -> Comparison:
    pairs = [(one.ours[measure], one.peer[measure]) for one in rounds if measure in one.ours and measure in one.peer]
    ratios = spread(peer / ours for ours, peer in pairs if ours > 0)
    differences = spread(ours - peer for ours, peer in pairs)
    return Comparison(
        measure,
        spread(one.ours[measure] for one in rounds if measure in one.ours),
        spread(one.peer[measure] for one in rounds if measure in one.peer),
        ratios.median if ratios else None,
        differences.median if differences else None,
    )


def number(value: float) -> str:
    """Three digits that matter, and never an exponent: 0.00412, 0.925, 15.6, 1369."""
    size = abs(value)
    places = 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2 if size >= 1 else 3 if size >= 0.1 else 4
    return f"{value:.{places}f}"


def _value(measure: Measure, value: float) -> str:
    return number(value) if measure.unit else f"{value:g}"  # without a unit it is a count


def _spread_text(measure: Measure, one: Spread | None) -> str:
    if one is None:
        return "-"
    middle, least, most = (_value(measure, value) for value in (one.median, one.least, one.most))
    return middle if one.count == 1 else f"{middle} ({least} to {most})"


def _cells(one: Comparison | None) -> tuple[str, ...]:
    if one is None:
        return ()
    ratio = "-" if one.ratio is None else number(one.ratio)
    difference, sign = one.difference, "+" if (one.difference or 0) > 0 else ""
    more = "-" if difference is None else f"{sign}{_value(one.measure, difference)}"
    return str(one.measure), _spread_text(one.measure, one.ours), _spread_text(one.measure, one.peer), ratio, more


def table(results: Sequence[Result]) -> str:
    """One table of everything: a block a case, a line a measure; below it what was not run or failed, and why."""
    rows = Table(box=SIMPLE_HEAD, width=TABLE_WIDTH, pad_edge=False)
    rows.add_column("case, what it is measured against, what is said of it", ratio=10)
    rows.add_column("measure", ratio=5)
    for side in ("ours", "peer"):
        rows.add_column(f"{side}: median (least to most)", ratio=6)
    rows.add_column("peer / ours", justify="right", ratio=2)
    rows.add_column("ours - peer", justify="right", ratio=2)
    for result in results:
        comparisons = compare(result.rounds)
        if not comparisons:
            continue
        head = [result.case, f"  against: {result.peer}", f"  rounds: {len(result.rounds)}"]
        head += [f"  said: {result.claim}"] if result.claim else []
        head += [] if result.state == "done" else [f"  {result.state}: {result.reason}"]
        for line, one in zip_longest(head, comparisons):
            rows.add_row(*(Text(cell) for cell in (line or "", *_cells(one))))
        rows.add_section()
    console = Console(width=TABLE_WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as captured:
        console.print(rows)
    lines = [line.rstrip() for line in captured.get().splitlines()] if rows.row_count else []
    without = [one for one in results if one.state != "done"]
    if without:
        lines += ["Not measured in full:", *(f"  {one.case}: {one.state}: {one.reason}" for one in without)]
    return "\n".join(lines).strip("\n") + "\n"
