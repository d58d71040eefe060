"""What tests cost: seconds by file, the slowest tests, and each fixture's set-up."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

FILE: Final = "DEPLOYER_TEST_COSTS"
"""The environment variable that names the file to write to."""
SLOWEST: Final = 10
WORTH_TELLING: Final = 1.0
"""Seconds; a fixture that is set up faster is not listed."""


@dataclass
class Costs:
    """Of one pytest process."""

    tests: dict[str, float] = field(default_factory=dict)
    """Seconds of each test: set-up, the test itself and taking down together."""
    results: dict[str, str] = field(default_factory=dict)
    fixtures: list[tuple[str, float]] = field(default_factory=list)
    """Each set-up that is worth telling, and its seconds; one that another set-up includes is in both."""

    def add(self, report: pytest.TestReport) -> None:
        """One phase of a test; a failure in any of them is a failure of the test."""
        self.tests[report.nodeid] = self.tests.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.results[report.nodeid] = "failed"
        elif report.skipped:
            self.results[report.nodeid] = "skipped"
        elif report.when == "call":
            self.results.setdefault(report.nodeid, "passed")

    def add_fixture(self, name: str, scope: str, where: str, seconds: float) -> None:
        if seconds >= WORTH_TELLING:
            self.fixtures.append((f"{name} ({scope}) of {where.rpartition('/')[2]}", seconds))

    def write(self) -> None:
        """To the file that the environment names, where it names one."""
        if path := os.environ.get(FILE):
            told = {"tests": self.tests, "results": self.results, "fixtures": self.fixtures}
            Path(path).write_text(json.dumps(told), encoding="utf-8")


def read_costs(path: Path) -> Costs:
    """What one process wrote; nothing where it ended before it could."""
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Costs()
    return Costs(told["tests"], told["results"], [(name, seconds) for name, seconds in told["fixtures"]])


def render_costs(all_costs: Iterable[Costs]) -> str:
    """The table that a run ends with."""
    files: dict[str, float] = defaultdict(float)
    tests: dict[str, float] = {}
    fixtures: list[tuple[str, float]] = []
    for costs in all_costs:
        tests |= costs.tests
        fixtures += costs.fixtures
        for test, seconds in costs.tests.items():
            files[test.partition("::")[0].rpartition("/")[2]] += seconds
    parts = (
        ("seconds by file", _dearest(files.items())),
        (f"the {SLOWEST} slowest tests", _dearest(tests.items())[:SLOWEST]),
        ("set-up of fixtures", _dearest(fixtures)),
    )
    return "\n".join(line for title, rows in parts for line in (f"{title}:", *rows))


def _dearest(rows: Iterable[tuple[str, float]]) -> list[str]:
    return [f"  {seconds:7.1f}  {name}" for name, seconds in sorted(rows, key=lambda row: -row[1])]
