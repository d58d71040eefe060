from __future__ import annotations

import pytest

from deployer.execute.dockerfile import bases


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FROM python:3.12-slim\nRUN x\n", ("python:3.12-slim",)),
        ("# FROM a\nfrom --platform=$BUILDPLATFORM go:1 as build\nFROM scratch\nCOPY --from=build x y\n", ("go:1",)),
        ("FROM a AS One\nFROM one\nFROM b\nFROM a\n", ("a", "b")),
        ("ARG V=1\nARG R\nFROM $R/app:${V}\n", ("r.example/app:2",)),
        ('ARG B="python:3"\nFROM ${B}\nFROM ${NONE:-redis:7}\n', ("python:3", "redis:7")),
        ("FROM ${NONE}\n", ()),
        ("", ()),
    ],
)
def test_what_it_is_built_on(text: str, found: tuple[str, ...]) -> None:
    assert bases(text, {"V": "2", "R": "r.example"}) == found
