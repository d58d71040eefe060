"""What a cage costs: a child, and a whole validation."""

from __future__ import annotations

import shutil
import subprocess
from itertools import repeat
from typing import TYPE_CHECKING, Final

from deployer.cage import kernel
from deployer.cage.children import prepare, run_caged
from deployer.cage.rules import Rules
from tests.bench.cases import MissingError, Sides, case
from tests.bench.surroundings import CLIENT, deployer, repository
from tests.bench.timing import clock
from tests.bench.validating import STACKS, many
from tests.source.conftest import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.cases import Place
    from tests.bench.figures import Sample
    from tests.e2e.standing import Standing

CHILDREN: Final = 100
TRUE: Final = "/bin/true"


def _needs_a_cage() -> None:
    if not kernel.look().confines:
        raise MissingError(f"no cage here: {kernel.look().lacks}")


@case(f"{CHILDREN} programs one after the other, each in a cage", peer="the same by subprocess.run", rounds=5,
      claim="issue 13: at most 15 ms a child")  # fmt: skip
def _children(place: Place) -> Iterator[Sides]:
    _needs_a_cage()
    rules = Rules(run=(TRUE,))

    def ours() -> None:
        for _ in repeat(None, CHILDREN):
            ended = run_caged([TRUE], rules=rules)
            assert ended.code == 0, ended

    def peer() -> None:
        for _ in repeat(None, CHILDREN):
            subprocess.run([TRUE], capture_output=True, check=True)

    prepare()
    yield Sides(lambda: clock(ours), lambda: clock(peer))


@case(f"{STACKS} stacks of 5 services validated cold, each program in its cage", peer="the same with deployer.cage=off",
      needs=(CLIENT,), rounds=3, warm_up=False, claim="issue 13: at most 5 % more")  # fmt: skip
def _validation(place: Place) -> Iterator[Sides]:
    _needs_a_cage()
    caged = repository(place, "caged", {**GOOD, **many(STACKS)})
    free = repository(place, "free", {**GOOD, **many(STACKS)})
    free.git("config", "deployer.cage", "off")
    yield Sides(lambda: _cold(caged), lambda: _cold(free))


def _cold(standing: Standing) -> Sample:
    shutil.rmtree(standing.repo.parent / "xdg/cache", ignore_errors=True)
    return deployer(standing, "validate", "--quiet")
