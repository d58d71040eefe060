"""The documentation's tables are those of the tests."""

from __future__ import annotations

from pathlib import Path

from deployer.model.ignoring import IGNORABLE, WITH_ELEMENTS
from tests.e2e.drift_kinds import KINDS, table

PAGE = (Path(__file__).parents[2] / "docs/stacks.md").read_text()


def test_kinds_of_drift() -> None:
    head, *_ = rows = table()
    lines = PAGE.splitlines()
    start = lines.index(head)
    assert lines[start : start + len(rows) + 1] == [*rows, ""]
    assert len({one.name for one in KINDS}) == len(KINDS)


def test_fields_that_may_be_ignored() -> None:
    section = PAGE[PAGE.index("## Drift") :]
    named = section[section.index("`SERVICE.FIELD`:") : section.index("may be named")]
    listed, _, elements = named.partition("\n\nOf ")
    assert listed.split("`")[3::2] == list(IGNORABLE)
    assert tuple(elements.split("`")[1::2]) == WITH_ELEMENTS
