"""The table of attacks in docs/security.md is made of those that the tests push."""

from pathlib import Path

from tests.hooks.attacks import table


def test_the_table_of_attacks_is_that_of_the_tests() -> None:
    page = (Path(__file__).parents[1] / "docs/security.md").read_text(encoding="utf-8")
    assert page.endswith(f"\n\n{table()}")
