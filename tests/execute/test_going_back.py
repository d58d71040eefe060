"""A service that fails goes back to what the plan saw, against a manager that keeps what is written."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from deployer.model import labels
from deployer.plan.outcome import Done, Failed, Skipped
from deployer.plan.stacks import AwaitServices, Back, RollBackStack, UpdateService
from deployer.plan.steps import Step
from tests.docker.test_frames import frame
from tests.execute.plans import create, live, plan, play, service_body
from tests.fakes import FakeConnection

if TYPE_CHECKING:
    from deployer.plan.outcome import Report
    from tests.fakes import Request

OLD = service_body(image="api:1", **{labels.HASH: "h1"})
NEW = service_body(image="api:2", **{labels.HASH: "h2"})


class Manager(FakeConnection):
    """One service, which runs where its image is in `good`, and whose tasks are refused otherwise."""

    def __init__(self, *good: str) -> None:
        super().__init__()
        self.good = good
        self.spec = copy.deepcopy(OLD)
        self.version = 5
        self.there = True
        self.status: dict[str, Any] = {"State": "rejected", "Err": "No such image: api:2"}
        self.answers |= {
            "GET /services": self._services,
            "GET /tasks": self._tasks,
            "GET /nodes": [{"ID": "n1", "Status": {"State": "ready"}}],
            "GET /info": {"Swarm": {"NodeID": "n1"}},
            "GET /services/id-web_api": self._service,
            "POST /services/id-web_api/update": self._update,
            "POST /services/create": self._create,
            "DELETE /services/id-web_api": self._delete,
        }

    @property
    def runs(self) -> bool:
        return self.spec["TaskTemplate"]["ContainerSpec"]["Image"] in self.good

    def _service(self, _: Request) -> dict[str, Any]:
        counts = {"RunningTasks": int(self.runs), "DesiredTasks": 1}
        return {"ID": "id-web_api", "Version": {"Index": self.version}, "Spec": self.spec, "ServiceStatus": counts}

    def _services(self, request: Request) -> list[dict[str, Any]]:
        return [self._service(request)] if self.there else []

    def _tasks(self, _: Request) -> list[dict[str, Any]]:
        status = {"State": "running"} if self.runs else self.status
        return [{"ID": f"t{self.version}", "ServiceID": "id-web_api", "NodeID": "n1", "Slot": 1, "Status": status,
                 "DesiredState": "running", "Spec": self.spec["TaskTemplate"]}]  # fmt: skip

    def _update(self, request: Request) -> Any:
        if int(request.query["version"]) != self.version:
            return 500, {"message": "rpc error: code = Unknown desc = update out of sequence"}
        self.spec, self.version = request.body, self.version + 1
        return {}

    def _create(self, request: Request) -> dict[str, str]:
        self.spec, self.there = request.body, True
        return {"ID": "id-web_api"}

    def _delete(self, _: Request) -> dict[str, Any]:
        self.there = False
        return {}


BACK = Back("web_api", live(OLD), "h2")
UPDATE = UpdateService("web", "web_api", NEW, live(OLD))


def go(manager: Manager, *steps: Any) -> Report:
    return play(plan(*steps), {"m1": manager})


def update_and_wait(manager: Manager, *backs: Back, timeout: float = 5.0) -> Report:
    return go(manager, UPDATE, Step(2, AwaitServices("web", ("web_api",), timeout, back=backs), None, needs=(1,)))


def failure(report: Report, number: int = 2) -> Failed:
    outcome = report.outcomes[number]
    assert isinstance(outcome, Failed)
    return outcome


def test_it_goes_back_and_the_result_is_a_failure_all_the_same() -> None:
    manager = Manager("api:1")
    report = update_and_wait(manager, BACK)
    assert failure(report).reason.startswith("web_api: its image cannot be had, back to image api:1, 1/1; ")
    assert failure(report).log == ("web_api: No such image: api:2",)
    assert (manager.spec, report.exit_code) == (OLD, 1)


def test_without_anything_to_go_back_to_it_stays() -> None:
    manager = Manager("api:1")
    assert failure(update_and_wait(manager)).reason.startswith("web_api: its image cannot be had; ")
    assert manager.spec == NEW


def test_going_back_may_fail_too_and_that_is_said() -> None:
    reason = failure(update_and_wait(Manager(), BACK)).reason
    assert "web_api: its image cannot be had, back to image api:1, and not well with it: 0/1 (" in reason


def test_what_somebody_else_wrote_meanwhile_is_not_written_over() -> None:
    manager = Manager("api:1")
    theirs = service_body(image="api:3", **{labels.HASH: "h3"})

    def meddle(request: Request) -> Any:
        done = Manager._update(manager, request)
        manager.spec = theirs
        return done

    manager.answers["POST /services/id-web_api/update"] = meddle
    reason = failure(update_and_wait(manager, BACK)).reason
    assert "not back to image api:1: somebody else has changed it meanwhile" in reason
    assert manager.spec == theirs


def test_what_swarm_rolled_back_itself_is_not_written_again() -> None:
    manager = Manager("api:1")
    manager.answers["GET /services/id-web_api"] = lambda request: Manager._service(manager, request) | {"Spec": OLD}
    update_and_wait(manager, BACK)
    assert manager.lines.count("POST /services/id-web_api/update") == 1


def test_a_version_that_has_moved_is_tried_again() -> None:
    manager = Manager("api:1")
    asked = 0

    def moving(request: Request) -> Any:
        nonlocal asked
        asked += 1
        told = Manager._service(manager, request)
        return told | {"Version": {"Index": manager.version - (asked == 1)}}

    manager.answers["GET /services/id-web_api"] = moving
    assert "back to image api:1, 1/1" in failure(update_and_wait(manager, BACK)).reason
    assert asked == 2


def test_the_last_words_of_the_very_task_with_its_health_check() -> None:
    manager = Manager("api:1")
    checked = copy.deepcopy(NEW)
    checked["TaskTemplate"]["ContainerSpec"]["Healthcheck"] = {"Test": ["CMD", "check"]}
    manager.status = {"State": "failed", "Err": "task: non-zero exit (137): dockerexec: unhealthy container",
                      "ContainerStatus": {"ContainerID": "c1"}}  # fmt: skip
    manager.answers |= {
        "GET /tasks/t6/logs": (
            200,
            b"".join(frame(1, b"line %d\n" % number) for number in range(12)) + frame(2, b"\x1b[2J"),
        ),
        "GET /containers/c1/json": {"State": {"Health": {"Log": [{"ExitCode": 1, "Output": "refused\n"}]}}},
    }
    update = UpdateService("web", "web_api", checked, live(OLD))
    report = go(manager, update, Step(2, AwaitServices("web", ("web_api",), 5.0), None, needs=(1,)))
    assert failure(report).reason.startswith("web_api: a task is unhealthy; ")
    assert failure(report).log == (
        "web_api: task: non-zero exit (137): dockerexec: unhealthy container",
        *(f"web_api.1@m1 | line {number}" for number in range(3, 12)),
        "web_api.1@m1 | \\x1b[2J",
        "web_api.1@m1 health check: exit code 1",
        "web_api.1@m1 health check: refused",
    )
    assert manager.requests[[one.line for one in manager.requests].index("GET /tasks/t6/logs")].query["tail"] == "10"


def test_where_the_manager_has_no_log_the_machine_is_asked() -> None:
    manager = Manager("api:1")
    manager.status = {"State": "failed", "ContainerStatus": {"ContainerID": "c1"}}
    manager.answers |= {
        "GET /tasks/t6/logs": (500, {"message": "no agent"}),
        "GET /containers/c1/logs": (200, b"plain\r\n"),
    }
    once = copy.deepcopy(NEW)
    once["TaskTemplate"]["RestartPolicy"] = {"Condition": "none"}
    update = UpdateService("web", "web_api", once, live(OLD))
    report = go(manager, update, Step(2, AwaitServices("web", ("web_api",), 5.0), None, needs=(1,)))
    assert failure(report).log == ("web_api: its container ended", "web_api.1@m1 | plain")


def rolled_back(manager: Manager, *steps: Any, created: tuple[str, ...] = ()) -> Report:
    number = len(steps) + 1
    back = Step(number, RollBackStack("web", 5.0, () if created else (BACK,), created), None, follows=tuple(range(1, number)),
                rescues=tuple(range(1, number)))  # fmt: skip
    return go(manager, *steps, back)


WAIT = Step(2, AwaitServices("web", ("web_api",), 5.0, hasty=True), None, needs=(1,))


def test_a_stack_goes_back_as_a_whole() -> None:
    manager = Manager("api:1")
    report = rolled_back(manager, UPDATE, WAIT)
    outcome = report.outcomes[3]
    assert isinstance(outcome, Done)
    assert outcome.detail == "web_api: back to image api:1, 1/1"
    assert (manager.spec, report.exit_code) == (OLD, 1)


def test_nothing_goes_back_where_all_is_well() -> None:
    manager = Manager("api:1", "api:2")
    report = rolled_back(manager, UPDATE, WAIT)
    assert report.outcomes[3] == Done(0.0, "not needed")
    assert (manager.spec, report.exit_code) == (NEW, 0)


def test_what_this_run_made_is_removed_and_what_it_did_not_write_is_left() -> None:
    manager = Manager()
    manager.there = False
    report = rolled_back(manager, create("web_api"), WAIT, created=("web_api", "web_other"))
    outcome = report.outcomes[3]
    assert isinstance(outcome, Done)
    assert outcome.detail == "web_api: removed"
    assert not manager.there
    assert "POST /services/id-web_api/update" not in manager.lines


def test_of_steps_one_must_have_succeeded_where_one_must() -> None:
    manager = Manager("api:1")
    manager.answers["POST /services/id-web_api/update"] = (400, {"message": "invalid"})
    wait = Step(2, AwaitServices("web", ("web_api",), 5.0), None, follows=(1,), any_of=(1,))
    assert go(manager, UPDATE, wait).outcomes[2] == Skipped(1)


def test_a_service_that_was_not_written_is_not_waited_for() -> None:
    manager = Manager("api:1")
    manager.answers["POST /services/id-web_api/update"] = (400, {"message": "invalid"})
    wait = Step(2, AwaitServices("web", ("web_api",), 5.0), None, follows=(1,))
    report = go(manager, UPDATE, wait)
    assert isinstance(report.outcomes[2], Done)
    assert report.exit_code == 1
