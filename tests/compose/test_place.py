"""Where something stands of which only the compiled object is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.compose.place import Places
from tests.compose.conftest import stack_of

if TYPE_CHECKING:
    from deployer.compose.rules import Path

COMPOSE = """\
services:
  web:
    image: nginx:1.27
    ports:
      - "80:80"
      - {target: 443, published: 8443, mode: host}
    networks: [front]
networks:
  front:
    external: true
    name: front-of-house
  back: {}
"""


@pytest.mark.parametrize(
    ("at", "place"),
    [
        (("services", "web", "image"), "3:12"),
        (("services", "web", "ports", 80), "5:9"),
        (("services", "web", "ports", 8443), "6:9"),
        (("networks", "front-of-house"), "9:3"),
        (("networks", "back"), "12:3"),
        (("services", "web", "configs", "a"), "2:3"),
    ],
    ids=[
        "a value",
        "a port",
        "a port in long form",
        "by its name outside",
        "by its key",
        "not there: what would hold it",
    ],
)
def test_it_is_found(at: Path, place: str) -> None:
    problem = Places({"shop": stack_of("shop", compose=COMPOSE)}).problem("shop", at, "is wrong", "mend it")
    assert f"{problem.line}:{problem.column}" == place
    assert (problem.path, problem.message, problem.help) == ("stacks/shop/compose.yaml", "is wrong", "mend it")
