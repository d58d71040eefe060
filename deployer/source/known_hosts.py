"""Validate cluster/known_hosts, line by line (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT")."""

from __future__ import annotations

import base64
import binascii
import re
from itertools import islice
from typing import TYPE_CHECKING, Final

from deployer.model.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PROBLEMS: Final = 100
_MARKERS: Final = ("@cert-authority", "@revoked")
_HASHED: Final = re.compile(r"\|1\|[A-Za-z0-9+/]{27}=\|[A-Za-z0-9+/]{27}=")
_PATTERN: Final = re.compile(r"!?(\[[A-Za-z0-9.:*?%_-]+\]:[0-9]{1,5}|[A-Za-z0-9.:*?%_-]+)")
_FIELD: Final = re.compile(r"\S+")
_ADVICE: Final = "a line is `HOST KEYTYPE KEY`, as `ssh-keyscan HOST` prints it"


def read(path: str, data: bytes) -> tuple[str, list[Problem]]:
    """The file's text and its problems."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", [Problem(path, line, 0, "is not UTF-8 text", "write host names in ASCII")]
    found = (problem for number, line in enumerate(text.split("\n"), 1) for problem in _line(path, number, line))
    return text, list(islice(found, MOST_PROBLEMS))


def _line(path: str, number: int, line: str) -> Iterator[Problem]:
    fields = [(match.start() + 1, match[0]) for match in _FIELD.finditer(line)]
    if not fields or fields[0][1].startswith("#"):
        return
    source = line if len(line) <= 300 and line.isprintable() else ""

    def wrong(field: tuple[int, str], message: str) -> Problem:
        return Problem(path, number, field[0], message, _ADVICE, source=source, width=len(field[1]) if source else 1)

    if fields[0][1].startswith("@"):
        marker = fields.pop(0)
        if marker[1] not in _MARKERS:
            yield wrong(marker, f"the marker is {' or '.join(_MARKERS)}")
    if len(fields) < 3:
        yield wrong((1, line), "this line has no host, key type and key")
        return
    hosts, key_type, key = fields[:3]
    if not _HASHED.fullmatch(hosts[1]) and not all(map(_PATTERN.fullmatch, hosts[1].split(","))):
        yield wrong(hosts, "this is no list of hosts")
    named = _key_type(key[1])
    if named is None:
        yield wrong(key, "this is no key: it is not base64 of one")
    elif named != key_type[1].encode():
        yield wrong(key_type, f"the key is not of this type, but {named.decode(errors='backslashreplace')}")


def _key_type(text: str) -> bytes | None:
    """The type that the key itself names: a length of four bytes, then the name (RFC 4253, 6.6)."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    length = int.from_bytes(key[:4], "big")
    return key[4 : 4 + length] if 0 < length <= 64 and len(key) > 4 + length else None
