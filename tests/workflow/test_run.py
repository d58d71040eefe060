"""The one run that changes a cluster: what it registers, locks, shows and remembers, whoever triggers it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.entry import wait_for
from deployer.errors import BusyError, DeployerError, GuardRefusedError
from deployer.lock.file import file_lock
from deployer.lock.hold import Patience
from deployer.lock.holder import this_run
from deployer.memory import runs
from deployer.memory.asked import Asked
from deployer.memory.history import entries, find_good_before
from deployer.model.observed import Observed
from deployer.model.run import Scope
from deployer.source import lock_directory
from deployer.workflow import run as running
from deployer.workflow.run import Audience, Trigger, Work
from tests.fakes import cluster, link, node
from tests.memory.conftest import Remembering, _made, _own_git, plan_of, remembering, report_of
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.workflow.run import Lock

__all__ = ["_made", "_own_git", "remembering"]
LIVE = Scope(live=True)
NOBODY = Audience(lambda _: None, lambda _: None, lambda _: None)


@dataclass
class Cluster:
    """A cluster whose steps end as the test says; it notes what happens, in order."""

    remembering: Remembering
    plan: Plan
    happened: list[str] = field(default_factory=list)
    ok: bool = True
    scope: Scope = field(default_factory=Scope)
    drifts: bool = False
    refuses: bool = False

    def run(self, via: Any = "apply", show: Any = None, trigger: Trigger | None = None) -> Report:
        def shown(_: Plan) -> None:
            self.happened.append("shown")

        audience = replace(NOBODY, show=show or shown)
        return wait_for(running.run(self.remembering.repo.path, trigger or Trigger(Asked(via)), audience, self.begin))

    @asynccontextmanager
    async def begin(self, lock: Lock) -> AsyncIterator[Work]:
        of = replace(cluster(node("m1")), name="test", consul=None)
        async with link({}, of) as connections:
            locked = await lock(self.plan.commit, of, connections)
            self.happened.append(f"locked, {self.states}")
            observed = Observed({}, None, None)

            async def look() -> Observed:
                raise AssertionError("nobody had the lock meanwhile")

            async def decide(_: Observed) -> Plan:
                self.happened.append("decided")
                return self.plan

            def refuse(plan: Plan, show: Any) -> None:
                if self.refuses:
                    show(plan)
                    raise GuardRefusedError("no")

            yield Work(of, connections, locked, observed, look, decide, refuse, self.scope, drifts=self.drifts)

    async def execute(self, plan: Plan, *_: Any, **__: Any) -> Report:
        self.happened.append(f"executed, {self.states}, in doubt {bool(self.remembering.ref('unfinished'))}")
        return report_of(plan, ok=self.ok)

    @property
    def states(self) -> str:
        return " ".join(f"{one.via} {one.state}" for one in runs.processes(runs.folder_of(self.remembering.repo.path)))


@pytest.fixture
def made(remembering: Remembering, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster(remembering, plan_of(remembering.commits[0]))
    monkeypatch.setattr(running, "execute", found.execute)
    return found


@pytest.mark.parametrize("via", ["apply", "push", "watch", "scale", "rollback", "machine", "swarm"])
def test_every_trigger_is_listed_while_it_runs_and_remembered_after(made: Cluster, via: str) -> None:
    assert made.run(via).ok
    assert made.happened == [
        f"locked, {via} waiting", "decided", "shown", f"executed, {via} running, in doubt True",
    ]  # fmt: skip
    assert made.states == f"{via} ended"
    (entry,) = entries(made.remembering.repo.path)
    assert (entry.via, entry.result, entry.commit) == (via, "done", made.plan.commit)
    assert made.remembering.ref("deployed") == made.plan.commit


def test_where_nothing_is_to_be_done_nothing_is_listed_or_remembered(made: Cluster) -> None:
    made.plan = replace(made.plan, steps=())
    assert made.run("watch").ok
    assert (made.states, entries(made.remembering.repo.path)) == ("", [])


def test_a_machine_that_is_maintained_is_remembered_and_changes_nothing_of_what_is_deployed(made: Cluster) -> None:
    first, second, _ = made.remembering.commits
    made.remembering.ran(first)
    made.plan, made.scope = replace(plan_of(second), purpose="restart m1: at night"), LIVE
    assert made.run("machine").ok
    assert (made.remembering.ref("deployed"), made.remembering.ref("unfinished")) == (first, "")
    entry, _ = entries(made.remembering.repo.path)
    assert (entry.via, entry.purpose, entry.text) == ("machine", "restart m1: at night", "1 done, 0 failed, 0 skipped")
    assert not entry.scope.whole
    subject = made.remembering.repo.git("log", "-1", "--format=%s", "refs/deployer/test/history")
    assert subject.startswith("Done, restart m1: at night in ")


def test_maintenance_is_nothing_to_roll_back_to(made: Cluster) -> None:
    first, second, third = made.remembering.commits
    made.remembering.ran(first)
    made.remembering.ran(second)
    made.plan, made.scope = replace(plan_of(third), purpose="restart m1"), LIVE
    made.run("machine")
    assert find_good_before(made.remembering.repo.path) == first
    assert find_good_before(made.remembering.repo.path, "web") == first


@pytest.mark.parametrize(("ok", "drifts"), [(False, False), (True, True), (False, True)])
def test_what_is_deployed_is_in_doubt_after_maintenance_that_failed_or_leaves_drift(
    made: Cluster, *, ok: bool, drifts: bool
) -> None:
    first = made.remembering.commits[0]
    made.remembering.ran(first)
    made.plan, made.scope = replace(made.plan, purpose="scale web_1=3"), LIVE
    made.ok, made.drifts = ok, drifts
    made.run("scale")
    assert (made.remembering.ref("deployed"), made.remembering.ref("unfinished")) == (first, first)


def test_what_a_guard_refuses_is_shown_and_neither_done_nor_remembered(made: Cluster) -> None:
    made.refuses = True
    with pytest.raises(GuardRefusedError):
        made.run()
    assert made.happened == ["locked, apply waiting", "decided", "shown"]
    assert (made.states, entries(made.remembering.repo.path)) == ("apply ended", [])
    assert made.remembering.ref("unfinished") == ""


def test_what_showing_raises_ends_it_before_the_first_write(made: Cluster) -> None:
    def show(_: Plan) -> None:
        raise DeployerError("the plan is stale")

    with pytest.raises(DeployerError, match="stale"):
        made.run(show=show)
    assert made.happened == ["locked, apply waiting", "decided"]
    assert (made.remembering.ref("unfinished"), made.remembering.ref("deployed")) == ("", "")


def test_a_process_that_is_listed_already_is_not_listed_twice(made: Cluster) -> None:
    folder = runs.folder_of(made.remembering.repo.path)
    asked = Asked("push", run=runs.new_id())
    with runs.register(folder, asked, "ann") as live:
        made.run(trigger=Trigger(asked, live=live))
        assert made.states == "push running"
        live.ended(0, "said by whoever listed it")
    (one,) = runs.processes(folder)
    assert (one.run, one.text) == (asked.run, "said by whoever listed it")


def test_one_run_at_a_time(made: Cluster) -> None:
    path = made.remembering.repo.path

    async def while_locked() -> None:
        me = this_run("c" * 40, runs.new_id())
        async with file_lock(lock_directory(path), "test", me, Patience("test", 0, lambda _: None)):
            await running.run(path, Trigger(Asked("machine")), NOBODY, made.begin)

    with pytest.raises(BusyError):
        wait_for(while_locked())
    assert made.happened == []
    (one,) = runs.processes(runs.folder_of(path))
    assert (one.via, one.state, one.code) == ("machine", "ended", 4)


def test_a_run_that_is_interrupted_while_it_waits_says_so(made: Cluster) -> None:
    """An event loop cancels its task on Ctrl-C: that is no KeyboardInterrupt, and the run was called killed."""
    path = made.remembering.repo.path

    async def wait_and_give_up() -> None:
        me = this_run("c" * 40, runs.new_id())
        async with file_lock(lock_directory(path), "test", me, Patience("test", 0, lambda _: None)):
            waiting = asyncio.create_task(running.run(path, Trigger(Asked("apply"), 3600), NOBODY, made.begin))
            await wait_until_async(lambda: made.states == "apply waiting", "a run that waits", saw=lambda: made.states)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    wait_for(wait_and_give_up())
    (one,) = runs.processes(runs.folder_of(path))
    assert (one.state, one.code, one.text) == ("ended", 130, "interrupted")
