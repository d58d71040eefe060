from __future__ import annotations

import pytest

from deployer.report.paint import Paint, wants_colour


@pytest.mark.parametrize(
    ("choice", "environment", "terminal", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ("auto", {"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_flag_then_environment_then_terminal(
    choice: str,
    environment: dict[str, str],
    terminal: bool,  # noqa: FBT001 - a table's columns
    wanted: bool,  # noqa: FBT001 - a table's columns
) -> None:
    assert wants_colour(choice, environment, terminal=terminal) is wanted


def test_paint_wraps_in_sgr_codes_and_resets() -> None:
    assert Paint(on=True)("failed", "red", "bold") == "\x1b[31;1mfailed\x1b[0m"
    assert Paint(on=True)("", "red") == ""
    assert Paint(on=False)("failed", "red") == "failed"
