"""Cases in, results out: the sides take turns, one case's failure is its own, and Ctrl-C keeps what was measured."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final

from tests.bench.cases import MissingError
from tests.bench.figures import Result, Round, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.bench.cases import Case, Place, Sides

LONGEST_REASON: Final = 300
"""Characters in the table; all of it is said when it happens."""


def run_cases(
    cases: Sequence[Case],
    place: Place,
    *,
    rounds: int | None,
    say: Callable[[str], None],
    load: Callable[[], float],
    keep: Callable[[Result], None],
) -> None:
    """Give `keep` one result a case, in order; `rounds` takes the place of each case's own number.

    After Ctrl-C the case that ran, or was next, is `interrupted` and the rest is `not run`. Resources are taken down as soon as no later case
    needs them; after an interrupt all of them are. A Ctrl-C that comes between two cases is raised again once all have a result.
    """
    results: list[Result] = []

    def add(result: Result) -> None:
        results.append(result)
        keep(result)

    try:
        for number, case in enumerate(cases, 1):
            say(f"[{number}/{len(cases)}] {case.name}")
            done: list[Round] = []
            before = load()
            state, reason = _run(case, place, rounds or case.rounds, done)
            if reason:
                say(f"    {state}: {reason}")
            reason = " ".join(reason.split())[:LONGEST_REASON]
            add(Result(case.name, case.peer, case.claim, state, tuple(done), reason, before, load()))
            later = () if state == "interrupted" else cases[number:]
            for problem in place.close_all_but(resource for one in later for resource in one.needs):
                say(f"    {problem}")
            if state == "interrupted":
                break
    except KeyboardInterrupt:
        for case in cases[len(results) : len(results) + 1]:
            add(Result(case.name, case.peer, case.claim, "interrupted", reason="Ctrl-C"))
        raise
    finally:
        for case in cases[len(results) :]:
            add(Result(case.name, case.peer, case.claim, "not run", reason="interrupted before it"))


def _run(case: Case, place: Place, rounds: int, done: list[Round]) -> tuple[State, str]:
    try:
        for resource in case.needs:
            place.get(resource)
        with case.open(place) as sides:
            if case.warm_up:
                _play(sides, 0)
            for number in range(rounds):
                played = _play(sides, number)
                done.append(played)
    except MissingError as error:
        return "not run", str(error)
    except KeyboardInterrupt:
        return "interrupted", "Ctrl-C"
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in one case, the others are still measured
        return "failed", f"{type(error).__name__}: {error}\n{''.join(traceback.format_tb(error.__traceback__))}"
    return "done", ""


def _play(sides: Sides, number: int) -> Round:
    """One run of each. Who goes first changes from round to round: the second may find caches that the first has filled."""
    if number % 2:
        peer = sides.peer()
        return Round(sides.ours(), peer)
    return Round(sides.ours(), sides.peer())
