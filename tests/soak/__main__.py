"""`python -m tests.soak`: play the random tests with new seeds until the time is up, or one round again with its seed."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import time
from typing import TYPE_CHECKING, Final

from deployer.sandbox.engine import engine_missing_reason
from tests.e2e.leftovers import remove_leftovers
from tests.soak.forms import FORMS, Form, shares
from tests.soak.playing import PROJECT, Played, Player

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

SECONDS: Final = 3600.0
KEPT: Final = PROJECT / ".soak"
LAST_LINES: Final = 60


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 where nothing failed, 1 where something did or nothing was played, 130 after Ctrl-C."""
    options = _options(argv)
    forms = tuple(form for form in FORMS if not options.only or form.name in options.only)
    for line in remove_leftovers():
        _say(f"left by a run that was killed: {line}: removed")
    once = options.seed is not None
    seed = options.seed if once else secrets.randbelow(10**9)
    _say(f"seed {seed}, {options.seconds:g} s for {', '.join(form.name for form in forms)}")
    player = Player(KEPT, _say)
    _stop_on_signals(player)
    played = _play(player, forms, seed, options.seconds, once=once)
    print(f"\n{summary(played)}", flush=True)
    if player.stopped:
        return 128 + signal.SIGINT
    return 1 if any(one.state == "failed" for one in played) or not any(one.seeds for one in played) else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    names = [form.name for form in FORMS]
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    only = f"{', '.join(names)}; may be given several times"
    parser.add_argument("--only", metavar="FORM", action="append", choices=names, help=only)
    parser.add_argument(
        "--seed", metavar="N", type=int, help="play the round with this seed, of each form, and no other"
    )
    parser.add_argument("--seconds", metavar="N", type=float, default=SECONDS, help="for all forms together [3600]")
    return parser.parse_args(argv)


def _play(player: Player, forms: tuple[Form, ...], seed: int, seconds: float, *, once: bool) -> list[Played]:
    """What one form leaves of its share is for those after it."""
    end = time.monotonic() + seconds
    played: list[Played] = []
    for number, form in enumerate(forms):
        reason = "stopped before it" if player.stopped else engine_missing_reason() if form.real else None
        if reason:
            played.append(Played(form.name, "not run", (), 0, reason=reason))
            continue
        share = shares(forms[number:], end - time.monotonic())[form.name]
        one = player.play(form, seed, share, once=once)
        played.append(one)
        if one.log:
            lines = one.log.read_text("utf-8").splitlines()[-LAST_LINES:]
            _say("\n".join(f"    {line}" for line in lines))
            _say(f"{form.name}: failed; again: make soak ONLY={form.name} SEED={one.seeds[-1] if one.seeds else seed}")
    for line in remove_leftovers():
        _say(f"left by a form: {line}: removed")
    return played


def summary(played: Sequence[Played]) -> str:
    """A line a form: rounds, seeds, seconds, and how to repeat what failed."""
    lines = [f"{'FORM':12} {'RESULT':8} {'ROUNDS':>6} {'SECONDS':>8}   SEEDS"]
    for one in played:
        first, last = (one.seeds[0], one.seeds[-1]) if one.seeds else ("-", "-")
        seeds = f"{first}" if first == last else f"{first} to {last}"
        note = f"   {one.reason}" if one.reason else f"   last: {one.log}" if one.log else ""
        lines.append(f"{one.form:12} {one.state:8} {len(one.seeds):6} {one.seconds:8.0f}   {seeds}{note}")
    return "\n".join(lines)


def _stop_on_signals(player: Player) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        _say("stopping: what was made is taken down first (again: at once)")
        player.stop(signal.SIGKILL if player.stopped else signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
