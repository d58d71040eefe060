"""How long the program itself takes to start: what people wait for at every key."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from tests.bench.cases import Sides, case
from tests.bench.machine import PROJECT
from tests.bench.timing import spend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.cases import Place

BARE: Final = "a bare interpreter (`python -c pass`)"


def against_bare(*argv: str, **environment: str) -> Sides:
    """`deployer ARGV`, and an interpreter that does nothing."""
    env = {**os.environ, **environment}
    return Sides(
        lambda: spend([sys.executable, "-m", "deployer", *argv], cwd=PROJECT, env=env),
        lambda: spend([sys.executable, "-c", "pass"], cwd=PROJECT, env=env),
    )


@case("deployer --help", peer=BARE, claim="issue 2: under 0.2 s; closing note: 0.06 s", rounds=10)
def _help(_: Place) -> Iterator[Sides]:
    yield against_bare("--help")


@case("deployer --version", peer=BARE, rounds=10)
def _version(_: Place) -> Iterator[Sides]:
    yield against_bare("--version")


@case("a completion in bash: deployer plan --re TAB", peer=BARE, rounds=10)
def _completion(_: Place) -> Iterator[Sides]:
    words = {"_DEPLOYER_COMPLETE": "complete_bash", "COMP_WORDS": "deployer plan --re", "COMP_CWORD": "2"}
    yield against_bare(**words)
