"""The table is go-yaml's own decode_test.go and resolve.go (v3), not what our function returned."""

import math

import pytest

from deployer.document.scalars import plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("true", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("N", "N"),
        ("123", 123),
        ("-1", -1),
        ("+1", 1),
        ("0777", 511),
        ("0o777", 511),
        ("0x1F", 31),
        ("-0x1F", -31),
        ("0b11", 3),
        ("-0b11", -3),
        ("1_000", 1000),
        ("_1", "_1"),
        ("08", 8.0),
        ("1e3", 1000.0),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.20", 1.2),
        ("-.5", -0.5),
        ("1.2.3", "1.2.3"),
        ("12:30:00", "12:30:00"),
        ("190:20:30", "190:20:30"),
        ("80:80", "80:80"),
        ("2001-01-01", "2001-01-01"),
        ("685_230.15", 685230.15),
        ("9223372036854775807", 9223372036854775807),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 18446744073709551616.0),
        ("-9223372036854775808", -9223372036854775808),
        ("1e999", "1e999"),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("+.INF", math.inf),
        (".iNF", ".iNF"),
        ("-", "-"),
        ("+", "+"),
        (".", "."),
        ("..", ".."),
        ("0x", "0x"),
        ("0xg", "0xg"),
        ("1abc", "1abc"),
        ("٣", "٣"),  # a digit, but none of ASCII's: Python's int() would take it
    ],
)
def test_plain_scalars_mean_what_they_mean_to_docker(text: str, value: object) -> None:
    result = plain(text)
    assert result == value
    assert type(result) is type(value)


def test_not_a_number() -> None:
    result = plain(".nan")
    assert isinstance(result, float)
    assert math.isnan(result)


def test_digits_without_end_are_a_float_or_text_and_take_no_time() -> None:
    assert plain("9" * 300) == float("9" * 300)
    assert plain("9" * 100_000) == "9" * 100_000
