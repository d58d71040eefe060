"""Numbers and lengths of time in words, and back."""

from __future__ import annotations

import pytest

from deployer.model.amounts import duration, parse_duration, plural, rough_duration, words


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600), ("1.5h", 5400), ("0", 0)]
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1", "1d", "1 h", " 1", "1e3", "1h30m", "1234567", "٣"])
def test_what_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no duration such as 90s, 5m or 1h$"):
        parse_duration(text)


def test_what_is_none_is_cut() -> None:
    with pytest.raises(ValueError, match=r"^'9{60}' is"):
        parse_duration("9" * 1000)


@pytest.mark.parametrize(
    ("seconds", "exact", "rough"),
    [
        (0.04, "0.0 s", "0 s"),
        (41.26, "41.3 s", "41 s"),
        (192, "3 min 12 s", "3 min 12 s"),
        (3600, "60 min 0 s", "1 h 0 min"),
        (3861, "64 min 21 s", "1 h 4 min"),
    ],
)
def test_a_duration_in_words(seconds: float, exact: str, rough: str) -> None:
    assert (duration(seconds), rough_duration(seconds)) == (exact, rough)


def test_a_number_of_things() -> None:
    assert [plural(count, "file") for count in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert words(1, "port") == "port"
