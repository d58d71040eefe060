"""Programs in cages: a probe that tries what it may not, with everything real."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from deployer.cage import kernel, switch
from deployer.cage.children import run_caged
from deployer.cage.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.cage.children import Ended

PROBE: Final = Path(__file__).with_name("probe.py")
PYTHON: Final = os.path.realpath(sys.executable)
needs_cage = pytest.mark.skipif(not kernel.look().confines, reason=f"no cage here: {kernel.look().lacks}")


def python_rules(*, read: tuple[Path | str, ...] = (), **more: Any) -> Rules:
    """What the probe's interpreter needs to start, and `more`."""
    return Rules(run=(sys.base_prefix, *more.pop("run", ())), read=(PROBE, *read), **more)


def start(rules: Rules, name: str, *arguments: object, environment: dict[str, str] | None = None) -> Ended:
    argv = [PYTHON, "-I", "-S", str(PROBE), name, *map(str, arguments)]
    return run_caged(argv, rules=rules, environment=environment or {})


def attempt(rules: Rules, name: str, *arguments: object) -> Any:
    """What came of one attempt: `{"did": ...}` or `{"refused": "EACCES"}`."""
    ended = start(rules, name, *arguments)
    assert ended.code == 0, ended
    return json.loads(ended.out)


@pytest.fixture(autouse=True)
def _switched_on() -> Iterator[None]:
    switch.switched_off_by(lambda: False)
    yield
    switch.switched_off_by(lambda: False)
    switch.unconfined()  # what was to be said of this test is not said in another's


@pytest.fixture
def off() -> None:
    """Without walls: what an attempt comes to elsewhere, so that a refusal says something."""
    switch.switched_off_by(lambda: True)


@pytest.fixture
def private(tmp_path: Path) -> Path:
    folder = tmp_path / "private"
    folder.mkdir()
    return folder


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    file = tmp_path / "canary"
    file.write_text("CANARY")
    file.chmod(0o600)
    return file
