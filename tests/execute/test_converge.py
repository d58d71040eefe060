"""Waiting for services, against a manager that answers from memory."""

from __future__ import annotations

import asyncio
import copy
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from deployer.docker import Engine
from deployer.errors import TimedOutError
from deployer.execute import beats, pulse, service_state
from deployer.execute.checkups import Checkups
from deployer.model import labels
from deployer.plan.outcome import Done, Failed, Progress
from deployer.plan.stacks import AwaitServices, UpdateService
from deployer.plan.steps import Step
from deployer.remote import ConnectionFailedError
from tests.execute.plans import create, live, plan, play, service_body
from tests.fakes import FakeConnection, run_without_waiting
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    from deployer.plan.operations import Operation
    from deployer.plan.outcome import Event, Report
    from tests.fakes import Request


class Manager(FakeConnection):
    """A swarm whose services do what `moods` says: each is a list of moments, the last one stays."""

    def __init__(self, **moods: list[dict[str, Any]]) -> None:
        super().__init__()
        self.moods = moods
        self.made: set[str] = set(moods)
        self.specs = {name: service_body(f"web_{name}") for name in moods}
        self.extra: list[dict[str, Any]] = []
        self.beats = 0
        self.answers |= {
            "GET /services": self._services,
            "GET /tasks": self._tasks,
            "GET /nodes": [{"ID": "n1", "Status": {"State": "ready"}}, {"ID": "dead", "Status": {"State": "down"}}],
            "POST /services/create": self._create,
        }

    def _moment(self, name: str) -> dict[str, Any]:
        return self.moods[name][min(self.beats - 1, len(self.moods[name]) - 1)]

    def _services(self, _: Request) -> list[dict[str, Any]]:
        self.beats += 1
        return [
            {"ID": f"id-{name}", "Spec": self.specs[name], **self._moment(name)["service"]}
            for name in sorted(self.made)
        ]

    def _tasks(self, _: Request) -> list[dict[str, Any]]:
        told = [
            {"ID": f"{name}-{number}", "ServiceID": f"id-{name}", "NodeID": "n1", "DesiredState": "running",
             "Spec": self.specs[name]["TaskTemplate"], "Status": {"State": state, "Err": "task: non-zero exit (1)"}}
            for name in self.made if self.beats for number, state in enumerate(self._moment(name)["tasks"])
        ]  # fmt: skip
        return told + self.extra

    def _create(self, request: Request) -> dict[str, str]:
        self.made.add(request.body["Name"].removeprefix("web_"))
        return {"ID": "x"}


def moment(running: int, wanted: int, *tasks: str, update: str = "") -> dict[str, Any]:
    service: dict[str, Any] = {"ServiceStatus": {"RunningTasks": running, "DesiredTasks": wanted}}
    return {"service": service | ({"UpdateStatus": {"State": update}} if update else {}), "tasks": tasks}


def wait(*names: str) -> AwaitServices:
    return AwaitServices("web", tuple(f"web_{name}" for name in names), 30.0)


RUNS = moment(1, 1, "running")
STARTS = moment(0, 1, "starting")


@pytest.fixture(autouse=True)
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks need not go on running for a while, where a test does not ask for that: beats are counted."""
    monkeypatch.setattr(service_state, "MONITOR_SECONDS", 0.0)


async def nowhere(_node: str) -> str:
    return ""


async def never(machine: str) -> Any:
    raise AssertionError(machine)


def failure(report: Report, number: int = 1) -> Failed:
    outcome = report.outcomes[number]
    assert isinstance(outcome, Failed)
    return outcome


def test_it_ends_when_all_run_and_tells_how_far_it_is() -> None:
    events: list[Event] = []
    manager = Manager(api=[moment(0, 2), moment(1, 2, "running"), moment(2, 2, "running", "running")], db=[RUNS])
    report = play(plan(wait("api", "db")), {"m1": manager}, events.append)
    outcome = report.outcomes[1]
    assert isinstance(outcome, Done)
    assert outcome.detail == "web_api 2/2, web_db 1/1"
    told = [event.text for event in events if isinstance(event, Progress)]
    assert told == ["web_api 0/2, web_db 1/1", "web_api 1/2, web_db 1/1"]


def test_why_it_does_not_go_on_is_told_on_the_way() -> None:
    events: list[Event] = []
    manager = Manager(api=[moment(0, 1, "pending"), moment(0, 1, "pending"), RUNS])
    play(plan(wait("api")), {"m1": manager}, events.append)
    assert [event.text for event in events if isinstance(event, Progress)] == [
        "web_api 0/1; web_api: task: non-zero exit (1)"
    ]


def test_a_service_that_fails_is_told_with_its_errors_when_the_others_have_come_to_their_end() -> None:
    failed_three_times = moment(0, 1, "failed", "failed", "failed")
    manager = Manager(api=[moment(0, 1, "failed"), failed_three_times], db=[*[STARTS] * 6, RUNS])
    manager.made = set()
    report = play(
        plan(create("web_api"), create("web_db"), Step(3, wait("api", "db"), None, needs=(1, 2))), {"m1": manager}
    )
    failed = failure(report, 3)
    assert failed.reason == (
        "web_api: 3 of its tasks failed; `deployer ps web --all` and `deployer logs web` tell more"
    )
    assert failed.log == ("web_api: task: non-zero exit (1) (3 times)",)
    assert manager.beats == 7, "the other one was not waited for"


def test_the_task_whose_end_the_tasks_answer_did_not_have_yet_is_told_of() -> None:
    """Services and tasks are asked for at the same time: the update was paused by the one answer, and no task had failed by the other."""
    paused = moment(1, 1, "running", update="paused")
    manager = Manager(api=[moment(1, 1, "running", update="updating"), paused, moment(0, 1, "failed", update="paused")])
    failed = failure(play(plan(wait("api")), {"m1": manager}))
    assert failed.reason.startswith("web_api: its update is paused; ")
    assert failed.log == ("web_api: task: non-zero exit (1)",)
    assert manager.beats == 3


def test_a_program_that_ends_at_once_is_never_taken_for_one_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its starts and its ends Swarm calls every one of its tasks running for a moment."""
    monkeypatch.setattr(service_state, "MONITOR_SECONDS", 5.0)
    ends = [moment(0, 1, *["failed"] * number) for number in range(4)]
    runs = [moment(1, 1, *["failed"] * number, "running") for number in range(4)]
    moments = [found for pair in zip(runs, ends[1:], strict=False) for found in pair]
    manager = Manager(api=[ends[0], *moments])
    manager.made = set()
    report = play(plan(create("web_api"), Step(2, wait("api"), None, needs=(1,))), {"m1": manager})
    assert failure(report, 2).reason.startswith("web_api: 3 of its tasks failed")


@pytest.mark.parametrize("tasks", [["running"], ["failed", "running"]])
@pytest.mark.parametrize(("monitor", "steady"), [(None, 5.0), (2_000_000_000, 2.0)])
def test_tasks_without_a_health_check_have_to_go_on_running(
    tasks: list[str], monitor: int | None, steady: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_state, "MONITOR_SECONDS", 5.0)
    manager = Manager(api=[STARTS, moment(1, 1, *tasks)])
    manager.specs["api"] |= {"UpdateConfig": {"Monitor": monitor}} if monitor else {}
    manager.made = set()
    report = play(plan(create("web_api"), Step(2, wait("api"), None, needs=(1,))), {"m1": manager})
    outcome = report.outcomes[2]
    assert isinstance(outcome, Done)
    assert steady <= outcome.seconds < steady + 1


def test_tasks_that_ran_before_have_nothing_to_prove(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_state, "MONITOR_SECONDS", 60.0)
    manager = Manager(api=[RUNS])
    manager.beats = 1
    assert play(plan(wait("api")), {"m1": manager}).ok


def test_a_health_check_has_said_it_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_state, "MONITOR_SECONDS", 60.0)
    manager = Manager(api=[RUNS])
    manager.specs["api"]["TaskTemplate"]["ContainerSpec"]["Healthcheck"] = {"Test": ["CMD", "true"]}
    assert play(plan(wait("api")), {"m1": manager}).ok


def test_a_service_that_is_removed_meanwhile() -> None:
    manager = Manager(api=[STARTS])

    def remove(_: Event) -> None:
        manager.made.clear()

    report = play(plan(wait("api")), {"m1": manager}, remove)
    assert failure(report).reason.startswith("web_api: it is gone: somebody removed it")


def test_it_has_an_end() -> None:
    manager = Manager(api=[moment(0, 2, "pending", "failed")], db=[RUNS])
    manager.made = set()
    steps: list[Operation | Step] = [
        create("web_api"),
        create("web_db"),
        Step(3, wait("api", "db"), None, needs=(1, 2)),
    ]
    failed = failure(play(plan(*steps), {"m1": manager}), 3)
    assert failed.reason.startswith("web_api: not running after 30 s: 0/2; ")
    assert "web_db" not in failed.reason
    assert failed.log == ("web_api: task: non-zero exit (1) (2 times)",)


def test_failures_from_before_the_run_do_not_count() -> None:
    """Three tasks failed yesterday, while the database was away; today only the count changes."""
    yesterday = ("failed", "failed", "failed")
    manager = Manager(api=[moment(1, 2, *yesterday, "running"), moment(2, 2, *yesterday, "running", "running")])
    manager.beats = 1
    manager.answers["POST /services/id-web_api/update"] = {}
    old = service_body()
    operation = UpdateService(
        "web", "web_api", copy.deepcopy(old) | {"Mode": {"Replicated": {"Replicas": 2}}}, live(old)
    )
    report = play(plan(operation, Step(2, wait("api"), None, needs=(1,))), {"m1": manager})
    assert report.ok
    assert manager.lines.index("GET /tasks") < manager.lines.index("POST /services/id-web_api/update")


def test_what_ran_once_and_ended_well_before_has_done_so() -> None:
    """A change of a label starts no task anew."""
    manager = Manager(api=[moment(0, 1, "complete")])
    manager.beats = 1
    once = service_body()
    once["TaskTemplate"]["RestartPolicy"] = {"Condition": "none"}
    manager.specs["api"] = once
    assert play(plan(wait("api")), {"m1": manager}).ok


def test_failures_of_a_service_that_this_run_made_always_count() -> None:
    """Even if another stack's wait asked for what had failed before a moment after they had."""
    manager = Manager(api=[moment(0, 1, "failed", "failed", "failed")])
    manager.made = set()
    operations: list[Operation | Step] = [create("web_api"), Step(2, wait("api"), None, needs=(1,))]
    assert "3 of its tasks failed" in failure(play(plan(*operations), {"m1": manager}), 2).reason


def test_failures_of_a_service_that_goes_on_failing_count() -> None:
    before, after = ["failed"] * 3, ["failed"] * 6
    manager = Manager(api=[moment(0, 1, *before), moment(0, 1, *after)])
    manager.beats = 1
    assert "3 of its tasks failed" in failure(play(plan(wait("api")), {"m1": manager})).reason


def test_a_service_made_a_moment_ago_is_never_taken_for_a_removed_one() -> None:
    """Stack b is created while stack a is already waiting: what a's poll did not know must not be told to b."""
    manager = Manager(api=[moment(0, 1), *[moment(0, 1)] * 5, RUNS], db=[RUNS])
    manager.made = {"api"}

    async def slow(request: Request) -> dict[str, str]:
        await wait_until_async(lambda: manager.beats >= 3, "three beats of another step's wait")
        manager.made.add(request.body["Name"].removeprefix("web_"))
        return {"ID": "x"}

    manager.answers["POST /services/create"] = slow
    report = play(plan(wait("api"), create("web_db"), Step(3, wait("db"), None, needs=(2,))), {"m1": manager})
    assert report.ok


@pytest.mark.parametrize("stacks", [1, 40])
def test_the_number_of_requests_does_not_grow_with_the_number_of_waits(stacks: int) -> None:
    names = [f"s{number}" for number in range(stacks)]
    manager = Manager(**{name: [STARTS, STARTS, STARTS, RUNS] for name in names})
    report = play(plan(*(wait(name) for name in names)), {"m1": manager})
    assert report.ok
    assert Counter(manager.lines) == {"GET /services": 4, "GET /tasks": 5, "GET /nodes": 4}


def test_only_services_of_ours_are_asked_for() -> None:
    manager = Manager(api=[RUNS])
    play(plan(wait("api")), {"m1": manager})
    queries = {request.line: request.query for request in manager.requests}
    ours = {"label": [labels.CLUSTER]}
    assert queries["GET /services"].keys() == {"status", "filters"}
    assert json.loads(queries["GET /services"]["filters"]) == {**ours, "name": ["web_api"]}
    assert json.loads(queries["GET /tasks"]["filters"]) == ours


def test_of_many_services_all_of_ours_are_asked_for() -> None:
    """They would not fit into a request's first line."""
    names = [f"s{number}" for number in range(pulse.MOST_NAMES + 1)]
    manager = Manager(**{name: [RUNS] for name in names})
    assert play(plan(wait(*names)), {"m1": manager}).ok
    (asked,) = {request.query["filters"] for request in manager.requests if request.line == "GET /services"}
    assert json.loads(asked) == {"label": [labels.CLUSTER]}


@pytest.mark.parametrize(
    "trouble",
    [
        ConnectionFailedError("refused"),
        TimedOutError("no answer"),
        (503, {"message": "This node is not a swarm manager."}),
        (500, {"message": "rpc error: code = Unknown desc = The swarm does not have a leader."}),
    ],
)
def test_an_engine_that_restarts_during_a_wait_is_waited_for(trouble: Any) -> None:
    manager = Manager(api=[STARTS, RUNS])
    asked = 0

    def sometimes(request: Request) -> Any:
        nonlocal asked
        asked += 1
        return trouble if 2 <= asked <= 6 else manager._services(request)

    manager.answers["GET /services"] = sometimes
    assert play(plan(wait("api")), {"m1": manager}).ok
    assert asked > 6


def test_an_engine_that_stays_away_is_given_up() -> None:
    manager = Manager(api=[STARTS])
    manager.answers["GET /services"] = ConnectionFailedError("refused")
    assert failure(play(plan(wait("api")), {"m1": manager})).reason == "refused"


def test_one_answer_that_a_stopped_process_let_slip_is_not_the_engines_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "LOST_SECONDS", 0.0)
    manager = Manager(api=[STARTS, RUNS])
    asked = 0

    def late(request: Request) -> Any:
        nonlocal asked
        asked += 1
        return TimedOutError("no answer") if asked == 1 else manager._services(request)

    manager.answers["GET /services"] = late
    assert play(plan(wait("api")), {"m1": manager}).ok


def test_a_refusal_ends_the_wait_at_once() -> None:
    manager = Manager(api=[STARTS])
    manager.answers["GET /services"] = (400, {"message": "invalid filter"})
    assert failure(play(plan(wait("api")), {"m1": manager})).reason == "invalid filter"
    assert manager.lines.count("GET /services") == 1


def test_beats_are_shared_only_by_those_who_asked_before_they_were_sent() -> None:
    async def scenario() -> None:
        manager = Manager(api=[RUNS])
        release = asyncio.Event()

        async def services(request: Request) -> Any:
            told = manager._services(request)
            await release.wait()
            return told

        manager.answers["GET /services"] = services
        engine = Engine(manager)

        async def the_manager() -> Engine:
            return engine

        beats = pulse.Pulse(the_manager, Checkups(nowhere, never))
        first = [asyncio.ensure_future(beats.beat(["web_api"])) for _ in range(3)]
        await wait_until_async(lambda: manager.beats, "the first question")
        later = asyncio.ensure_future(beats.beat(["web_api"]))
        release.set()
        assert len({id(beat) for beat in await asyncio.gather(*first)}) == 1
        assert await later is not first[0].result()
        assert manager.beats == 2
        await beats.close()
        engine.close()

    run_without_waiting(scenario())


def _starting(node: str) -> dict[str, Any]:
    return {"NodeID": node, "Status": {"State": "starting", "ContainerStatus": {"ContainerID": f"c-{node}"}}}


def test_a_task_that_its_own_engine_calls_unhealthy_is_not_waited_for() -> None:
    """Before Swarm says so: here it never does."""
    manager = Manager(api=[RUNS])
    manager.moods["api"] = [moment(0, 1)]
    manager.extra = [
        {
            "ID": "t1",
            "ServiceID": "id-api",
            "Slot": 1,
            "DesiredState": "running",
            "Spec": manager.specs["api"]["TaskTemplate"],
        }
        | _starting("n1")
    ]
    manager.answers |= {
        "GET /info": {"Swarm": {"NodeID": "n1"}},
        "GET /containers/json": [{"Id": "c-n1"}],
        "GET /tasks/t1/logs": (404, {"message": "no logs"}),
        "GET /containers/c-n1/logs": (404, {"message": "no logs"}),
    }
    failed = failure(play(plan(wait("api")), {"m1": manager}))
    assert failed.reason.startswith("web_api: a task is unhealthy")
    asked = next(request for request in manager.requests if request.line == "GET /containers/json")
    assert asked.query["filters"] == '{"health": ["unhealthy"]}'


def test_only_machines_where_something_starts_are_asked_and_a_silent_one_holds_up_nobody() -> None:
    asked: list[str] = []

    async def machine_of(node: str) -> str:
        return {"n1": "m1", "n2": "m2"}.get(node, "")

    async def engine(machine: str) -> Any:
        asked.append(machine)
        if machine == "m2":
            await asyncio.Event().wait()
        return Engine(FakeConnection({"GET /containers/json": [{"Id": "c-n1"}]}))

    async def scenario() -> None:
        checkups = Checkups(machine_of, engine)
        tasks = [
            _starting("n1"),
            _starting("n2"),
            _starting("elsewhere"),
            {"NodeID": "n3", "Status": {"State": "running"}},
        ]
        assert checkups.unhealthy(tasks) == frozenset(), "what is not known yet is not waited for"
        await wait_until_async(lambda: checkups.unhealthy(tasks) == {"c-n1"}, "what the machine's engine says")
        assert asked.count("m2") == 1
        assert set(asked) == {"m1", "m2"}
        assert checkups.unhealthy([]) == frozenset()
        await checkups.close()

    run_without_waiting(scenario())


def test_a_wait_that_is_given_up_leaves_no_request() -> None:
    async def scenario() -> None:
        asked = asyncio.Event()

        async def nobody() -> Any:
            asked.set()
            await asyncio.Event().wait()

        beats = pulse.Pulse(nobody, Checkups(nowhere, never))
        waiting = asyncio.ensure_future(beats.beat(["web_api"]))
        await asked.wait()
        waiting.cancel()
        await beats.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run_without_waiting(scenario())
