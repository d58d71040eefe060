"""The real thing: machines in containers, SSH, engines, Consul. Without Docker these are skipped, in CI they must run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.sandbox.engine import engine_missing_reason
from tests.e2e.registering import Registering, registering
from tests.e2e.standing import PROJECT, Standing

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]  # the hook gets those of all folders
    reason = engine_missing_reason() if here else None
    for item in here:
        item.add_marker(pytest.mark.e2e)
        if reason and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With what failed comes what the swarm said at that moment: nobody can ask it afterwards."""
    report = yield
    standing = getattr(item, "funcargs", {}).get("bare")
    if report.failed and standing:
        report.sections.append(("the swarm", standing.told()))
    return report


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """The project's own example on four bare machines, committed and not yet applied."""
    home = tmp_path_factory.mktemp("e2e")
    standing = Standing(f"e2e-{os.getpid()}", home / "repo", home / "xdg")
    shutil.copytree(PROJECT / "cluster", standing.repo / "cluster")
    shutil.copytree(PROJECT / "stacks", standing.repo / "stacks")
    # One machine is reached as somebody who is not root, has sudo, and is not in the group `docker`.
    with (standing.repo / "cluster/nodes/slave2.yaml").open("a") as file:
        file.write("ssh: {user: admin}\n")
    standing.git("init", "--quiet", "--initial-branch=main")
    try:
        standing.deployer("sandbox", "up", "--name", standing.name, "--repo", ".", check=True)
        standing.commit("Four machines, two stacks")
        yield standing
    finally:
        standing.deployer("sandbox", "down", "--name", standing.name, check=True)


@pytest.fixture(scope="session")
def cluster(bare: Standing) -> Standing:
    """The same, applied."""
    applied = bare.deployer("apply")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    return bare


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registering]:
    """One machine of its own for the registrator: its engine and its Consul are restarted."""
    with registering(tmp_path_factory.mktemp("registrator")) as made:
        yield made
