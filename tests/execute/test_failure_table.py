"""The table of failures in the documentation is the one that is played on the real cluster."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.failures import KINDS, table

DOCS = Path(__file__).parents[2] / "docs" / "stacks.md"


def test_the_documentation_has_the_failures_that_are_tested() -> None:
    assert table() in DOCS.read_text()


def test_each_failure_is_a_stack_of_its_own() -> None:
    assert len({kind.stack for kind in KINDS}) == len({kind.title for kind in KINDS}) == len(KINDS)
