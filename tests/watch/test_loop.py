"""The loop, with a source and a cluster that say what the test says, and a clock that does not run."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.diff.cause import Cause
from deployer.errors import DeployerError, InvalidFilesError, UnreachableError
from deployer.plan.outcome import Done, Failed, Report
from deployer.plan.stacks import CreateObject
from deployer.plan.steps import Plan, Step
from deployer.watch.loop import State, Watch
from deployer.watch.pace import Pace
from deployer.workflow import validate

if TYPE_CHECKING:
    from collections.abc import Callable

COMMITS = ["a" * 40, "b" * 40]
STEP = Step(1, CreateObject("network", "web", "web_default", {}), Cause.NOT_FOUND)
NOTHING = Report(Plan("c", COMMITS[0], ()))
DONE = Report(Plan("c", COMMITS[0], (STEP,)), {1: Done(1.0)})
FAILED = Report(Plan("c", COMMITS[0], (STEP,)), {1: Failed(1.0, "no")})


@dataclass
class Branch:
    """`wanted` is a commit, or what asking for it ends in."""

    wanted: str | DeployerError = COMMITS[0]
    name: str = "branch main"
    repository: None = None
    settle: float = 0.0
    looks: int = 0
    ring: Callable[[], None] | None = None

    def look(self) -> str:
        self.looks += 1
        if isinstance(self.wanted, DeployerError):
            raise self.wanted
        return self.wanted

    def source(self, wanted: str) -> validate.Source:
        return validate.Source(Path("repo"), wanted)

    def start(self, ring: Callable[[], None]) -> None:
        self.ring = ring

    def stop(self) -> None:
        self.ring = None


@dataclass
class Cluster:
    result: Report | DeployerError = DONE
    applied: list[tuple[str, bool]] = field(default_factory=list)

    def __call__(self, source: validate.Source, *, quiet: bool) -> Report:
        self.applied.append((source.rev[:1], quiet))
        if isinstance(self.result, DeployerError):
            raise self.result
        return self.result


class World:
    """A loop whose waits pass at once."""

    def __init__(self, *, every: float = 300, interval: float = 30) -> None:
        self.now = 0.0
        self.waits = 0
        self.branch = Branch()
        self.cluster = Cluster()
        self.said: list[str] = []
        self.state = State("branch main")
        self.watch = Watch(
            self.branch, self.cluster, self.said.append, Pace(interval, every), self.state,
            clock=lambda: self.now, chance=lambda _low, _high: 1.0, wait=self.wait,
        )  # fmt: skip

    def wait(self, seconds: float) -> bool:
        self.waits += 1
        self.now += max(seconds, 0.001)
        return False

    def go(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            assert self.watch.turn()
            self.watch.rest()


def test_each_commit_is_applied_once_and_the_timer_goes_on() -> None:
    world = World()
    world.go(290)
    assert world.cluster.applied == [("a", False)]
    world.branch.wanted = COMMITS[1]
    world.go(60)
    assert world.cluster.applied == [("a", False), ("b", False)]
    world.cluster.result = NOTHING
    world.go(650)
    assert world.cluster.applied[2:] == [("b", True), ("b", True)]
    assert world.said == [
        "aaaaaaaaaa is to be deployed", "aaaaaaaaaa is deployed", "bbbbbbbbbb is to be deployed", "bbbbbbbbbb is deployed",
    ]  # fmt: skip
    assert (world.state.wanted, world.state.deployed, world.state.error) == (COMMITS[1], COMMITS[1], "")


def test_while_nothing_happens_it_only_looks_every_half_minute() -> None:
    """What it costs is what it does."""
    world = World(every=0)
    world.go(60)
    looks, waits = world.branch.looks, world.waits
    world.go(3600)
    assert world.cluster.applied == [("a", False)]
    assert world.branch.looks - looks <= 121
    assert world.waits - waits <= 121


def test_a_remote_that_is_gone_for_hours_changes_nothing_and_is_said_once() -> None:
    world = World(every=0)
    world.go(60)
    world.branch.wanted = UnreachableError("the remote cannot be asked")
    before = world.branch.looks
    world.go(6 * 3600)
    assert world.cluster.applied == [("a", False)]
    assert world.said.count("the remote cannot be asked; what runs stays as it is") == 1
    assert world.state.error == "the remote cannot be asked"
    assert world.branch.looks - before < 50  # every ten minutes at last
    world.branch.wanted = COMMITS[1]
    world.go(700)
    assert world.cluster.applied == [("a", False), ("b", False)]
    assert world.said[3] == "branch main answers again"
    assert world.state.error == ""


def test_drift_is_looked_for_although_the_remote_is_gone() -> None:
    world = World()
    world.go(60)
    world.branch.wanted = UnreachableError("the remote cannot be asked")
    world.go(700)
    assert world.cluster.applied == [("a", False), ("a", True), ("a", True)]


def test_what_failed_is_tried_again_and_said_once() -> None:
    world = World()
    world.cluster.result = FAILED
    world.go(200)
    assert world.cluster.applied == [("a", False), ("a", True), ("a", True)]
    assert world.said == ["aaaaaaaaaa is to be deployed", "aaaaaaaaaa is not deployed: see above; it is tried again"]
    world.cluster.result = DONE
    world.go(200)
    assert world.said[2:] == ["aaaaaaaaaa is deployed again: it had drifted, or failed before"]
    assert world.state.error == ""


def test_files_that_do_not_validate_leave_the_cluster_as_it_is() -> None:
    world = World()
    world.cluster.result = InvalidFilesError(())
    world.go(10)
    assert world.state.deployed == ""
    assert "is not valid" in world.state.error


def test_a_run_that_a_signal_ended_ends_the_loop() -> None:
    world = World()
    world.cluster.result = replace(DONE, stopped="terminated")
    world.watch.run()
    assert world.said[-1] == "terminated: the steps that ran were let end"
    assert world.branch.ring is None


def test_a_bell_is_heard_at_once() -> None:
    world = World(every=0, interval=3600)
    assert world.watch.turn()
    world.watch.wait = None
    world.branch.wanted = COMMITS[1]
    threading.Timer(0.05, world.watch.bell.set).start()
    world.watch.rest()
    assert world.watch.turn()
    assert world.cluster.applied == [("a", False), ("b", False)]


def test_ten_thousand_turns_leave_nothing_behind() -> None:
    """Memory and descriptors stay as they are."""
    world = World()
    world.cluster.result = NOTHING
    world.go(3600)
    descriptors, memory = len(list(Path("/proc/self/fd").iterdir())), _resident()
    turns = world.branch.looks
    while world.branch.looks < turns + 10_000:
        assert world.watch.turn()
        world.watch.rest()
    world.cluster.applied.clear()
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    assert _resident() - memory < 10_000 * 1024 / 4  # a quarter of F-30's 1 KiB a turn


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
