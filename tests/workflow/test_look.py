"""The stages' meeting: machines are looked at while stacks are read and compiled."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from deployer.errors import InvalidFilesError
from deployer.remote import Link
from deployer.workflow import look as looking
from deployer.workflow.validate import Source
from tests.fakes import FakeConnection, run
from tests.needs import COMPILER
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = "services: {web: {image: 'nginx:1.27'}}\n"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repo = tmp_path / "repo"
    (repo / "cluster/nodes").mkdir(parents=True)
    (repo / "stacks").mkdir()
    (repo / "cluster/cluster.yaml").write_text("name: c\n")
    (repo / "cluster/nodes/m1.yaml").write_text("address: m1.example.org\nswarm: manager\n")
    (repo / "stacks/web.yaml").write_text(COMPOSE)
    return repo


class Happened:
    """What happened, in its order; machines are reached through `connect`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[str] = []
        self.connection = FakeConnection()
        self.dialled = threading.Event()
        self.validating_waits = False
        """Whether the stacks' reading does not end before a machine was dialled."""
        prepared = looking.validate_and_open

        async def reach(_: Link, node: Any) -> FakeConnection:
            self.lines.append(f"dialled {node.name}")
            self.dialled.set()
            return self.connection

        def noted(*given: Any) -> Any:
            self.lines.append("validating")
            if self.validating_waits:
                assert self.dialled.wait(GENEROUS), "no machine is dialled meanwhile"
            try:
                return prepared(*given)
            finally:
                self.lines.append("validated")

        monkeypatch.setattr(Link, "_reach", reach)
        monkeypatch.setattr(looking, "validate_and_open", noted)

    async def look(self, _commit: str, _cluster: Any, link: Link) -> str:
        await link.to("m1")
        self.lines.append("looked")
        return "seen"

    def begun(self, repo: Path) -> Any:
        async def look() -> Any:
            async with looking.read_and_look(Source(repo, worktree=True), self.lines.append, self.look) as (
                validated,
                _,
                seen,
            ):
                assert seen == "seen"
                return validated

        return run(look())


@pytest.fixture
def happened(monkeypatch: pytest.MonkeyPatch) -> Happened:
    return Happened(monkeypatch)


@COMPILER
def test_machines_are_looked_at_while_the_stacks_are_read(repository: Path, happened: Happened) -> None:
    happened.validating_waits = True
    validated = happened.begun(repository)
    assert [one.stack for one in validated.objects] == ["web"]
    assert happened.lines.index("dialled m1") < happened.lines.index("validated")
    assert happened.lines.count("dialled m1") == 1


@pytest.mark.parametrize("name", ["stacks/web.yaml", "cluster/cluster.yaml"])
def test_of_files_that_are_wrong_all_is_told(repository: Path, happened: Happened, name: str) -> None:
    (repository / "stacks/other.yaml").write_text("services: [\n")
    (repository / name).write_text("nonsense: 1\n")
    with pytest.raises(InvalidFilesError) as caught:
        happened.begun(repository)
    assert {problem.path for problem in caught.value.problems} >= {"stacks/other.yaml"}


@COMPILER
def test_who_may_be_asked_for_a_password_is_asked_after_the_files_are_known_to_be_right(
    repository: Path, happened: Happened
) -> None:
    node = repository / "cluster/nodes/m1.yaml"
    node.write_text(f"{node.read_text()}ssh: {{user: ann, sudo: password}}\n")
    happened.begun(repository)
    assert happened.lines.index("validated") < happened.lines.index("dialled m1")


@COMPILER
def test_what_is_written_meanwhile_is_not_seen(
    repository: Path, happened: Happened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines and stacks are of one reading, whatever somebody does to the directory or the branch."""
    promptly = looking._read_cluster_early

    def then_written(files: Any, allowed: Any) -> Any:
        found = promptly(files, allowed)
        (repository / "cluster/nodes/m1.yaml").write_text("address: m9.example.org\nswarm: manager\n")
        (repository / "stacks/web.yaml").unlink()
        return found

    monkeypatch.setattr(looking, "_read_cluster_early", then_written)
    validated = happened.begun(repository)
    assert [node.address for node in validated.desired.cluster.nodes] == ["m1.example.org"]
    assert [one.stack for one in validated.objects] == ["web"]


def test_an_end_in_the_middle_ends_the_reading_too(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while hundreds of stacks compile: the thread ends at the next of them."""
    begun, ended = threading.Event(), threading.Event()

    def endless(_: Source, say: Any, __: Any) -> Any:
        try:
            while True:
                say("compiled one more")
                begun.set()
                time.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr(looking, "validate_and_open", endless)

    async def nothing(*_: object) -> None:
        pass

    async def look() -> None:
        async with looking.read_and_look(Source(repository, worktree=True), lambda _: None, nothing):
            pytest.fail("it never ends by itself")

    async def interrupted() -> None:
        looking = asyncio.create_task(look())
        await asyncio.to_thread(begun.wait)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)

    run(interrupted())
    assert ended.wait(GENEROUS)
