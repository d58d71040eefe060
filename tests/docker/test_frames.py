"""Logs as engines send them."""

from __future__ import annotations

import pytest

from deployer.docker.frames import LONGEST, Frames, log_lines


def frame(output: int, content: bytes) -> bytes:
    return bytes([output, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


LOG = frame(1, b"hello\n") + frame(2, b"err") + frame(1, b"a\r\nb\n") + frame(2, b"or\n") + frame(1, b"open")


def test_both_outputs_in_the_order_in_which_their_lines_end() -> None:
    assert log_lines(LOG) == ["hello", "a", "b", "error", "open"]


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 40])
def test_however_it_is_cut_on_the_way(size: int) -> None:
    frames = Frames()
    lines = [line for at in range(0, len(LOG), size) for line in frames.lines(LOG[at : at + size])]
    assert [*lines, *frames.rest()] == log_lines(LOG)


def test_a_terminal_has_no_frames() -> None:
    assert log_lines(b"first line\r\nsecond") == ["first line", "second"]
    assert log_lines(b"ab") == ["ab"]
    assert log_lines(b"") == []


def test_a_line_without_an_end_is_cut() -> None:
    assert [len(line) for line in log_lines(frame(1, b"x" * (LONGEST + 5)))] == [LONGEST, 5]


def test_what_is_no_text_is_replaced() -> None:
    assert log_lines(frame(1, b"\xff\n")) == ["\N{REPLACEMENT CHARACTER}"]
