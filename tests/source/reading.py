"""Files as literals in, what the source stage says about them out: no disk, no git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import InvalidFilesError
from deployer.source.files import Entry, Files
from deployer.source.repository import parse_all, validate
from tests.source.conftest import GOOD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.desired import Desired
    from deployer.model.problem import Problem


def files(content: Mapping[str, str | bytes | None]) -> Files:
    """The good files with others over them; None takes one away."""
    merged = {path: text for path, text in {**GOOD, **content}.items() if text is not None}
    entries = (
        Entry(path, 0o100644, "", text if isinstance(text, bytes) else text.encode())
        for path, text in sorted(merged.items())
    )
    return Files("c" * 40, tuple(entries))


def read(content: Mapping[str, str | bytes | None]) -> Desired:
    return validate(parse_all(files(content)))


def refused(content: Mapping[str, str | bytes | None]) -> tuple[Problem, ...]:
    try:
        read(content)
    except InvalidFilesError as error:
        return error.problems
    raise AssertionError("these files are accepted")


def said(content: Mapping[str, str | bytes | None]) -> list[str]:
    """`path:line:column: message`, as people will see it."""
    return [f"{problem.path}:{problem.line}:{problem.column}: {problem.message}" for problem in refused(content)]
