"""Decode a file to text: what no YAML parser should see is a problem here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.document.places import Mark, problem_at

if TYPE_CHECKING:
    from deployer.model.problem import Problem

LARGEST: Final = 1 << 20
"""Bytes of one file."""

_BREAKS: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what libyaml counts as lines
_REFUSED: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_UTF8: Final = "save it as UTF-8 without a byte order mark"
_SIGNATURES: Final = (
    (b"\xef\xbb\xbf", "starts with a byte order mark"),
    (b"\xff\xfe\x00\x00", "is UTF-32, not UTF-8"),
    (b"\x00\x00\xfe\xff", "is UTF-32, not UTF-8"),
    (b"\xff\xfe", "is UTF-16, not UTF-8"),
    (b"\xfe\xff", "is UTF-16, not UTF-8"),
)


def decode(path: str, data: bytes) -> str | Problem:
    """The file's text, or the one problem that keeps it from being text."""
    if len(data) > LARGEST:
        message = f"is {len(data)} bytes long; the largest file that is read has {LARGEST}"
        return problem_at(path, (), Mark(0, 0, 1), message, "a file of this size is hardly written by hand: split it")
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            return problem_at(path, (), Mark(1, 1, 1), what, _UTF8)
    if data[1:2] == b"\0" or (data[:1] == b"\0" and data[1:2] not in {b"", b"\0"}):
        return problem_at(path, (), Mark(1, 1, 1), "is UTF-16 without a byte order mark, not UTF-8", _UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        before = len(data[: error.start].decode())
        return _at(path, data.decode(errors="replace"), before, message, "save the file as UTF-8")
    refused = _REFUSED.search(text)
    if refused is not None:
        name = "a NUL byte" if refused[0] == "\0" else f"the control character U+{ord(refused[0]):04X}"
        return _at(path, text, refused.start(), f"{name} is not allowed in YAML", "remove it")
    return text


def split(text: str) -> tuple[str, ...]:
    """The text's lines as the parser counts them."""
    return tuple(_BREAKS.split(text))


def starts(text: str) -> tuple[int, ...]:
    """Where each line begins, as the parser counts them."""
    return (0, *(found.end() for found in _BREAKS.finditer(text)))


def _at(path: str, text: str, index: int, message: str, advice: str) -> Problem:
    before = _BREAKS.split(text[:index])
    return problem_at(path, split(text), Mark(len(before), len(before[-1]) + 1, 1), message, advice)
