"""Problems as text: GNU lines for people and editors, workflow commands for GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.model.amounts import plural
from deployer.model.printable import printable
from deployer.report.snippet import snippet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deployer.model.problem import Problem
    from deployer.report.paint import Paint, Tone

TONES: Final[dict[str, Tone]] = {"error": "red", "warning": "yellow"}


def problems_text(problems: Iterable[Problem], paint: Paint) -> str:
    """Every problem once, by file and line, and the count last; empty where there is none.

    `path:line:column: error: message` (GNU Coding Standards, "Errors"), the source line with a caret, what to do. Of those
    that say the same of one file only the first has its source line, the others follow it as lines of their own.
    """
    ordered = sorted(set(problems))
    same: dict[tuple[str, ...], list[Problem]] = {}
    for problem in ordered:
        same.setdefault((problem.path, problem.severity, problem.message, problem.help), []).append(problem)
    blocks = [
        "\n".join([*_block(first, paint), *(_first_line(other, paint) for other in others)])
        for first, *others in same.values()
    ]
    return "\n\n".join([*blocks, summary(ordered)]) + "\n" if ordered else ""


def summary(problems: Sequence[Problem]) -> str:
    """`2 errors, 1 warning in 3 files`"""
    counts = [(sum(problem.severity == word for problem in problems), word) for word in ("error", "warning")]
    counted = ", ".join(plural(count, word) for count, word in counts if count) or plural(0, "error")
    return f"{counted} in {plural(len({problem.path for problem in problems}), 'file')}"


def problems_github(problems: Iterable[Problem]) -> str:
    """`::error file=…,line=…,col=…::message`, one line a problem (GitHub, "Workflow commands for GitHub Actions")."""
    ordered = sorted(set(problems))
    return "".join(_command(problem) for problem in ordered) + (f"{summary(ordered)}\n" if ordered else "")


def _block(problem: Problem, paint: Paint) -> list[str]:
    shown = snippet(problem)
    lines = [_first_line(problem, paint)]
    if shown:
        bar, source, *caret = shown
        lines += [paint(bar, "dim"), source, *(paint(line, TONES[problem.severity]) for line in caret)]
    if problem.help:
        lines.append(f"{' ' * len(str(problem.line))} = help: {printable(problem.help)}")
    return lines


def _first_line(problem: Problem, paint: Paint) -> str:
    place = ":".join(str(part) for part in (printable(problem.path), problem.line, problem.column) if part)
    word = paint(f"{problem.severity}:", TONES[problem.severity], "bold")
    return f"{paint(place, 'bold')}{paint(':', 'bold')} {word} {printable(problem.message)}"


def _command(problem: Problem) -> str:
    places = {"file": printable(problem.path), "line": problem.line, "col": problem.column}
    if problem.column:
        places["endColumn"] = problem.column + problem.width
    parameters = ",".join(f"{name}={_escape(str(value), ':,')}" for name, value in places.items() if value)
    text = printable(problem.message) + (f" ({printable(problem.help)})" if problem.help else "")
    return f"::{problem.severity} {parameters}::{_escape(text)}\n"


def _escape(text: str, more: str = "") -> str:
    """Percent-encoding as actions/toolkit does it (packages/core/src/command.ts): `%` first, then line ends, then `more`."""
    for char in "%\r\n" + more:
        text = text.replace(char, f"%{ord(char):02X}")
    return text
