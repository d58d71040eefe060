"""What is kept of a run as JSON: every sample, what the table made of them, and the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from tests.bench.figures import Spread, compare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.bench.figures import Measure, Result
    from tests.bench.machine import Machine

Named = dict[str, float]
"""Values by measure and unit, such as `wall, s`."""


@dataclass(frozen=True)
class Sampled:
    ours: Named
    peer: Named


@dataclass(frozen=True)
class Compared:
    measure: str
    ours: Spread | None
    peer: Spread | None
    ratio: float | None
    difference: float | None


@dataclass(frozen=True)
class Entry:
    """One case."""

    case: str
    peer: str
    claim: str
    state: str
    reason: str
    load_before: float
    load_after: float
    figures: tuple[Compared, ...]
    rounds: tuple[Sampled, ...]


@dataclass(frozen=True)
class Document:
    version: int
    commit: str
    began: str
    ended: str
    machine: Machine
    cases: tuple[Entry, ...]


def entry(result: Result) -> Entry:
    return Entry(
        result.case,
        result.peer,
        result.claim,
        result.state,
        result.reason,
        result.load_before,
        result.load_after,
        tuple(
            Compared(str(one.measure), one.ours, one.peer, one.ratio, one.difference) for one in compare(result.rounds)
        ),
        tuple(Sampled(_named(one.ours), _named(one.peer)) for one in result.rounds),
    )


def _named(sample: Mapping[Measure, float]) -> Named:
    return {str(measure): value for measure, value in sample.items()}


def encode(document: Document) -> bytes:
    """As people can read it, too."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
