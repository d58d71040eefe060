"""The real thing: machines in containers, SSH, engines, Consul.

Without Docker these tests fail with one line. `make e2e` runs them in three lanes, see lanes.py.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.sandbox.engine import engine_silent_reason
from tests.e2e.cluster import Cluster
from tests.e2e.costs import Costs
from tests.e2e.evidence import keep_evidence
from tests.e2e.registering import Registering, registering
from tests.e2e.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


def pytest_configure(config: pytest.Config) -> None:
    """Ctrl-C takes the machines down also where whoever started this ignores it, as shells do for what runs in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(Measuring(Costs()))  # a hook of this file would not see fixtures of the session


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:  # the hook gets those of all folders
            item.add_marker(pytest.mark.e2e)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if Path(__file__).parent in item.path.parents and (reason := engine_silent_reason()):
        pytest.fail(f"{reason}; `deployer sandbox engine` sets it up, `make check` does without", pytrace=False)


class Measuring:
    """A plugin that fills in what tests and fixtures cost."""

    def __init__(self, costs: Costs) -> None:
        self._costs = costs

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self._costs.add_fixture(fixturedef.argname, fixturedef.scope, request.node.nodeid, time.monotonic() - began)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._costs.add(report)

    def pytest_sessionfinish(self) -> None:
        self._costs.write()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With what failed comes what the machines said at that moment: nobody can ask them afterwards."""
    report = yield
    if report.failed and Path(__file__).parent in item.path.parents:
        folder = keep_evidence(item.nodeid, report, Standing.up_now)
        report.sections.append(("evidence", f"in {folder}"))
    return report


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The project's own example on four machines, applied. A test file finds it as it is here, see `known_state`.

    They have engines already; how a bare machine gets one is what test_bare.py and the tutorial's test are for.
    """
    made = Cluster("e2e", tmp_path_factory.mktemp("e2e"))
    with made.machines("Four machines, two stacks", engine=True):
        made.apply()
        yield made


@pytest.fixture(scope="module", autouse=True)
def known_state(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each file leaves the cluster as it found it; what it leaves otherwise is told, and set back for the next one."""
    items = [item for item in request.session.items if item.path == request.path]
    uses = any("cluster" in getattr(item, "fixturenames", ()) for item in items)
    if not uses:
        yield
        return
    shared: Cluster = request.getfixturevalue("cluster")
    yield
    if not _goes_on(request):
        return
    if left := shared.settle():
        terminal: pytest.TerminalReporter = request.config.pluginmanager.getplugin("terminalreporter")
        terminal.write_line(f"\n{request.path.name} left the cluster changed; it was set back: {'; '.join(left)}")


def _goes_on(request: pytest.FixtureRequest) -> bool:
    """Whether another file will use the cluster: none does after Ctrl-C, and none after the last one."""
    if request.session.exitstatus == pytest.ExitCode.INTERRUPTED:
        return False
    items = request.session.items
    last = max(number for number, item in enumerate(items) if item.path == request.path)
    return any("cluster" in getattr(item, "fixturenames", ()) for item in items[last + 1 :])


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registering]:
    """One machine of its own for the registrator: its engine and its Consul are restarted."""
    with registering(tmp_path_factory.mktemp("registrator")) as made:
        yield made
