"""`python -m tests.bench`: run the cases, print one table, keep the samples as JSON in .bench/."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.bench.cases import CASES, Case, Place, chosen
from tests.bench.document import Document, encode, entry
from tests.bench.figures import table
from tests.bench.machine import PROJECT, commit, describe_machine
from tests.bench.running import run_cases
from tests.e2e.leftovers import remove_leftovers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from tests.bench.figures import Result

DOMAINS: Final = (
    "starting", "reading", "validating", "caging", "pushing", "watching", "reaching", "locking",
    "planning", "deploying", "maintaining", "registering", "building",
)  # fmt: skip
"""The modules with cases, in the order in which they run: what needs no Docker comes first."""
KEPT: Final = PROJECT / ".bench"
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 where all chosen cases were measured or lack what they need, 1 where one failed, 130 after Ctrl-C."""
    options = _options(argv)
    for domain in DOMAINS:
        import_module(f"tests.bench.{domain}")
    cases = chosen(CASES, options.only)
    if not cases:
        _say(f"no case has {' or '.join(map(repr, options.only))} in its name; --list names them")
        return 2
    if options.list:
        print(_listed(cases), end="")
        return 0
    return _measure(cases, options.rounds, options.keep)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    only = "cases with this in their name; * and ? work; may be given several times"
    parser.add_argument("--only", metavar="PATTERN", action="append", default=[], help=only)
    parser.add_argument("--rounds", metavar="N", type=_count, help="as many rounds of each, not each case's own number")
    parser.add_argument("--list", action="store_true", help="name the cases, and run none")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, default=KEPT, help="where the JSON goes [.bench]")
    return parser.parse_args(argv)


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError
    return count


def _listed(cases: Sequence[Case]) -> str:
    lines = []
    for one in cases:
        needs = ", ".join(dict.fromkeys(below.name for resource in one.needs for below in resource.all())) or "nothing"
        lines.append(f"{one.name}\n    against: {one.peer}\n    rounds: {one.rounds}; needs: {needs}")
    return "\n".join([*lines, f"{len(cases)} cases", ""])


def _measure(cases: Sequence[Case], rounds: int | None, kept: Path) -> int:
    for line in remove_leftovers():
        _say(f"left by a run that was killed: {line}: removed")
    began, what, machine = datetime.now(UTC), commit(), describe_machine()
    results: list[Result] = []
    interrupted = False
    folder = Path(tempfile.mkdtemp(prefix=f"deployer-bench-{os.getpid()}-"))
    place = Place(folder)
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    try:
        run_cases(cases, place, rounds=rounds, say=_say, load=lambda: os.getloadavg()[0], keep=results.append)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        _ignore_signals()
        problems = place.close_all_but(())
        shutil.rmtree(folder, ignore_errors=True)
        for line in (*problems, *(f"left over: {one}: removed" for one in remove_leftovers(also=(os.getpid(),)))):
            _say(line)
    entries = tuple(entry(one) for one in results)
    document = Document(1, what, _stamp(began), _stamp(datetime.now(UTC)), machine, entries)
    file = _keep(document, began, kept)
    print(f"\n{_head(document)}\n\n{table(results)}\n{file} has every sample.")
    if interrupted or any(one.state == "interrupted" for one in results):
        return 130
    return 1 if any(one.state == "failed" for one in results) else 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _ignore_signals()
    _say("interrupted: taking down what was made, which may take half a minute")
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    """A second Ctrl-C would leave machines and containers behind. Children ignore it as well: they inherit that."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _keep(document: Document, began: datetime, kept: Path) -> Path:
    kept.mkdir(parents=True, exist_ok=True)
    file = kept / f"{began:%Y%m%d-%H%M%S}-{document.commit.rstrip('+')}.json"
    file.write_bytes(encode(document))
    return file


def _head(document: Document) -> str:
    machine = document.machine
    load = ", ".join(f"{one:.2f}" for one in machine.load)
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return (
        f"commit {document.commit}, {document.began} to {document.ended}\n"
        f"{machine.cores} cores ({machine.processor}), {machine.memory_mib} MiB, {machine.system}, kernel {machine.kernel}, load {load}\n"
        f"{versions}"
    )


def _stamp(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
