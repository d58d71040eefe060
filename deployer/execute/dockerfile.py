"""The images that a Dockerfile is built on, as far as that can be told without building it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_FROM: Final = re.compile(r"\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*", re.IGNORECASE)
_ARG: Final = re.compile(r"\s*ARG\s+([A-Za-z_]\w*)(?:=(\S*))?\s*", re.IGNORECASE)
_USE: Final = re.compile(r"\$\{?([A-Za-z_]\w*)(?::-([^}]*))?\}?")


def bases(text: str, args: Mapping[str, str]) -> tuple[str, ...]:
    """`python:3.12-slim` of `FROM python:3.12-slim`; not those that are stages of the file, nor `scratch`."""
    known: dict[str, str] = {}
    stages: set[str] = set()
    found: list[str] = []
    for line in text.splitlines():
        if argument := _ARG.fullmatch(line):
            known.setdefault(argument[1], args.get(argument[1], (argument[2] or "").strip("\"'")))
        elif base := _FROM.fullmatch(line):
            image = _USE.sub(lambda use: known.get(use[1]) or use[2] or "", base[1])
            if image and image.lower() not in stages and image != "scratch" and image not in found:
                found.append(image)
            if base[2]:
                stages.add(base[2].lower())
    return tuple(found)
