"""One value set, every other character as it was."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.document import Path, parse
from deployer.document.edit import inserted, replaced


def read(text: str) -> Any:
    document, problems = parse("x.yaml", text.encode())
    assert document is not None
    assert not problems
    return document


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("a: {b: 3}  # three\n", "a: {b: 5}  # three\n"),
        ("a:\n  b:   '3'   # three\n", "a:\n  b:   5   # three\n"),
        ("a:\r\n  b: 3\r\n  c: ü\r\n", "a:\r\n  b: 5\r\n  c: ü\r\n"),
        ("a:\n  ü: é\n  b: &n 3\n", "a:\n  ü: é\n  b: &n 5\n"),
        ("a:\n  b: !!int 3\n", "a:\n  b: !!int 5\n"),
        ("x: &n 3\na:\n  b: *n\n", "x: &n 3\na:\n  b: 5\n"),
        ("a:\n  b: 3", "a:\n  b: 5"),
    ],
)
def test_a_scalar_is_replaced(text: str, becomes: str) -> None:
    assert replaced(read(text), text, ("a", "b"), "5") == becomes
    assert read(becomes).value["a"]["b"] == 5


@pytest.mark.parametrize("text", ["a:\n  b: [3]\n", "a:\n  c: 3\n", "a:\n  b: |\n    3\n", "a:\n  b:\n"])
def test_what_is_no_scalar_of_one_line_is_not_replaced(text: str) -> None:
    assert replaced(read(text), text, ("a", "b"), "5") is None


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("a:\n  b: 3  # three\n\n  # four\n  d: 4\n", "a:\n  b: 3  # three\n  c: 5\n\n  # four\n  d: 4\n"),
        ("a:\n    # first\n    b:\n        d: 1\n", "a:\n    # first\n    c: 5\n    b:\n        d: 1\n"),
        ("a:\n  b: one\n     two\n", "a:\n  c: 5\n  b: one\n     two\n"),
        ("a: {b: 3}\n", "a: {c: 5, b: 3}\n"),
        ("a: { }\n", "a: {c: 5 }\n"),
        ("a:\r\n  b: 3\r\n  d: 4\r\n", "a:\r\n  b: 3\r\n  c: 5\r\n  d: 4\r\n"),
        ("x: &x {b: 1}\na:\n  <<: *x\n", "x: &x {b: 1}\na:\n  c: 5\n  <<: *x\n"),
        ("a:\n  b: 3", "a:\n  c: 5\n  b: 3"),
    ],
)
def test_a_key_comes_in(text: str, becomes: str) -> None:
    assert inserted(read(text), text, ("a",), "c", "5") == becomes
    before, after = read(text).value, read(becomes).value
    assert after == {**before, "a": {**before["a"], "c": 5}}


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("s:\n    web:\n        image: x\n", "s:\n    web:\n        image: x\n        c:\n            d: 5\n"),
        ("s: {web: {image: x}}\n", "s: {web: {c: {d: 5}, image: x}}\n"),
    ],
)
def test_a_mapping_comes_in_as_the_file_is_indented(text: str, becomes: str) -> None:
    at: Path = ("s", "web")
    assert inserted(read(text), text, at, "c", {"d": "5"}) == becomes
    assert read(becomes).value["s"]["web"]["c"] == {"d": 5}


@pytest.mark.parametrize("text", ["a:\n", "a: x\n", "b: &b {c: 1}\na: *b\n", "a:\n  - b\n", "d: 1\n"])
def test_where_there_is_no_mapping_of_its_own_nothing_comes_in(text: str) -> None:
    assert inserted(read(text), text, ("a",), "c", "5") is None
