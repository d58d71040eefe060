"""Every document and every event against the schemas that are shipped."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING, get_args

import pytest
from jsonschema import Draft202012Validator

from deployer.diff.cause import Cause
from deployer.model.cluster import Cluster
from deployer.model.desired import Desired
from deployer.model.field import ABSENT, Field
from deployer.model.problem import Problem
from deployer.model.run import Entry, Process, Scope
from deployer.model.secret import Secret
from deployer.model.stack import StackObjects
from deployer.model.status import NodeStatus, ServiceStatus, StackStatus, Status
from deployer.plan.operations import Operation
from deployer.plan.outcome import Began, Ended, Progress, Report
from deployer.report.documents import plan_document, report_document
from deployer.report.encode import to_json
from deployer.report.failure import Failure
from deployer.report.failure_document import failure_document, failure_event
from deployer.report.history import history_document, run_document
from deployer.report.masked import field_document
from deployer.report.ndjson import NdjsonProgress
from deployer.report.runs import runs_document
from deployer.report.status import status_document
from deployer.report.validation import invalid_document, valid_document
from tests.report.schemas import SCHEMAS, check

if TYPE_CHECKING:
    from deployer.plan.steps import Plan

PROBLEM = Problem("stacks/web/compose.yaml", 3, 14, "no number", "2?", source="  db_password: hunter2", width=7)
WORSE = Problem("cluster/cluster.yaml", 0, 0, "there is no such file")


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_schemas_list_every_operation_and_every_cause() -> None:
    kinds = {operation.__name__.lower() for operation in get_args(Operation)}
    for name, part in (("plan", "StepDocument"), ("report", "EndedStepDocument")):
        step = SCHEMAS[name]["$defs"][part]["properties"]
        assert {kind.replace("_", "") for kind in step["kind"]["enum"]} == kinds
        assert step["cause"]["anyOf"] == [{"$ref": "#/$defs/Cause"}, {"type": "null"}]
        assert set(SCHEMAS[name]["$defs"]["Cause"]["enum"]) == {*map(str, Cause)}


def test_a_plan_without_secrets(plan: Plan) -> None:
    read = check("plan", plan_document(plan))
    assert "hunter2" not in json.dumps(read)
    assert read["summary"] == {"add": 3, "change": 1, "remove": 0, "unchanged": 4, "blocked": 1}
    assert read["steps"][3] == {
        "number": 4,
        "kind": "update_service",
        "mark": "~",
        "group": {"kind": "stack", "name": "web"},
        "subject": "web_cache",
        "action": "update service, 1 replica",
        "cause": "changed in git",
        "effect": None,
        "fields": [
            {"path": "Mode.Replicated.Replicas", "drifted": False, "old": 1, "new": 3},
            {"path": "TaskTemplate.ContainerSpec.Env", "drifted": False, "new": ["API_TOKEN=[secret]", "COLOUR=red"]},
        ],
        "needs": [],
        "follows": [1, 2],
        "any_of": [],
        "rescues": [],
        "on_failure": [],
    }
    assert read["steps"][1]["group"] == {"kind": "machine", "name": "slave"}


def test_a_report_with_every_outcome(report: Report) -> None:
    read = check("report", report_document(report))
    assert [step["outcome"]["state"] for step in read["steps"]] == ["done", "failed", "done", "failed", "skipped"]
    assert read["steps"][1]["outcome"]["log"] == ["joining", "Error: \x1b[31mno route\x1b[0m"]
    assert read["summary"] == {"done": 2, "failed": 2, "skipped": 1, "blocked": 1}
    assert (read["ok"], read["exit_code"], read["stopped"]) == (False, 1, None)
    stopped = check("report", report_document(Report(report.plan, {}, 1.0, "interrupted")))
    assert (stopped["exit_code"], stopped["stopped"]) == (130, "interrupted")
    assert stopped["steps"][0]["outcome"] == {"state": "skipped", "because": None}


def test_a_status() -> None:
    status = Status(
        "sandbox",
        "worktree",
        (NodeStatus("master", "local", "10.0.0.1", "manager", "26.1.5", None, "Synced", "Healthy"),),
        (
            StackStatus(
                "web", (ServiceStatus("web_api", "api:2", 0, 3, "OutOfSync", "Missing"),), "OutOfSync", "Missing"
            ),
        ),
    )
    read = check("status", status_document(status))
    assert read["well"] is False
    assert read["stacks"][0]["services"][0]["wanted"] == 3


def test_a_validation_of_files_that_are_not_valid() -> None:
    read = check("validation", invalid_document([PROBLEM, WORSE, PROBLEM]))
    assert (read["valid"], read["error_count"], read["warning_count"]) == (False, 2, 0)
    assert read["diagnostics"] == [
        {
            "severity": "error",
            "summary": "there is no such file",
            "detail": "",
            "range": {"filename": "cluster/cluster.yaml"},
        },
        {
            "severity": "error",
            "summary": "no number",
            "detail": "2?",
            "range": {
                "filename": "stacks/web/compose.yaml",
                "start": {"line": 3, "column": 14},
                "end": {"line": 3, "column": 21},
            },
            "snippet": {
                "code": "  db_password: [secret]",
                "start_line": 3,
                "highlight_start_offset": 13,
                "highlight_end_offset": 20,
            },
        },
    ]


def test_a_validation_of_valid_files() -> None:
    desired = Desired("worktree", Cluster("sandbox", (), None, ""), ())
    objects = (StackObjects("web", (), (), (), ({"Name": "web_api"}, {"Name": "web_cache"})),)
    read = check("validation", valid_document(desired, objects, ()))
    assert (read["valid"], read["services"], read["machines"]) == (True, 2, 0)
    without = {key: value for key, value in read.items() if key != "commit"}
    assert not Draft202012Validator(SCHEMAS["validation"]).is_valid(without)


def test_failures() -> None:
    read = check("failure", failure_document(Failure(6, "master: no answer", "is it on?")))
    assert (read["exit_code"], read["error_count"]) == (6, 1)
    assert read["diagnostics"] == [{"severity": "error", "summary": "master: no answer", "detail": "is it on?"}]
    assert check("failure", failure_document(Failure(3, "x", problems=(PROBLEM,))))["diagnostics"][0]["range"]


def test_every_event_is_a_line_of_its_own(plan: Plan, report: Report) -> None:
    stream = StringIO()
    moment = datetime(2026, 8, 22, 14, 15, 3, 120_000, tzinfo=UTC)
    progress = NdjsonProgress(stream, now=lambda: moment)
    progress.say("asking 4 machines")
    progress.show(plan)
    for step in plan.steps:
        progress.listen(Began(step))
        progress.listen(Progress(step, "a line\nand \x1b[2J another"))
        progress.listen(Ended(step, report.outcome(step)))
    progress.end(report)
    lines = [*stream.getvalue().splitlines(), failure_event(Failure(1, "x"), moment)]
    events = [check("event", json.loads(line)) for line in lines]
    assert events[0] == {"type": "version", "schema": "1.0", "deployer": "0.1.0"}
    assert events[1] == {
        "@level": "info",
        "@message": "asking 4 machines",
        "@timestamp": "2026-08-22T14:15:03.120+00:00",
        "type": "log",
    }
    assert [event["type"] for event in events[2:]] == [
        *["planned_change"] * 5, "blocked", "change_summary",
        "apply_start", "apply_progress", "apply_complete",
        "apply_start", "apply_progress", "apply_errored",
        "apply_start", "apply_progress", "apply_complete",
        "apply_start", "apply_progress", "apply_errored",
        "apply_start", "apply_progress", "apply_skipped",
        "change_summary", "diagnostic",
    ]  # fmt: skip
    assert events[-2]["changes"] | {"cluster": 0, "commit": 0} == {
        "operation": "apply", "cluster": 0, "commit": 0, "done": 2, "failed": 2, "skipped": 1, "blocked": 1, "exit_code": 1,
    }  # fmt: skip
    assert "hunter2" not in stream.getvalue()


def test_values_keep_their_types_and_lose_their_secrets() -> None:
    value = {"image": "a", "count": 2, "on": True, "none": None, "db_password": ["x"], "args": ["--token=abc", "a=b"]}
    assert json.loads(to_json(field_document(Field("Spec", value, Secret("abc"))))) == {
        "path": "Spec",
        "drifted": False,
        "old": {
            "image": "a",
            "count": 2,
            "on": True,
            "none": None,
            "db_password": "[secret]",
            "args": ["--token=[secret]", "a=b"],
        },
        "new": "[secret]",
    }
    assert json.loads(to_json(field_document(Field("Labels.api_token", "abc", ABSENT)))) == {
        "path": "Labels.api_token",
        "drifted": False,
        "old": "[secret]",
    }


def test_json_is_ascii_and_cannot_move_a_cursor() -> None:
    text = to_json({"a": "\x1b\x7f\u202eé"}, indent=None)
    assert text == '{"a": "\\u001b\\u007f\\u202e\\u00e9"}\n'


def test_runs_that_were(report: Report) -> None:
    entry = Entry("test", "20260822-141503-7f3a", "push", "1" * 40, "done", "ann", "", "2026-08-22T14:15:03+00:00", 1.5)
    back = replace(entry, via="rollback", scope=Scope(("web",), (("web", "2" * 40),)))
    read = check("history", history_document([entry, back]))
    assert [run["stacks"] for run in read["runs"]] == [{}, {"web": "2" * 40}]
    read = check("run", run_document(entry, json.loads(to_json(report_document(report)))))
    assert read["report"]["summary"] == json.loads(to_json(report_document(report)))["summary"]
    assert check("run", run_document(entry, None))["report"] is None


def test_runs_that_go_on() -> None:
    one = Process("20260822-141503-7f3a", "push", "1" * 40, "ann", "", "2026-08-22T14:15:03+00:00", "running", 42, 7)
    read = check("runs", runs_document([one, replace(one, state="ended", code=0, text="done")]))
    assert [run["code"] for run in read["runs"]] == [None, 0]


def test_a_schema_says_what_the_fields_mean() -> None:
    step = SCHEMAS["report"]["$defs"]["EndedStepDocument"]["properties"]
    assert step["needs"]["description"] == "Steps that must have succeeded first."
    assert SCHEMAS["status"]["$defs"]["NodeStatus"]["properties"]["engine"]["description"]
    assert SCHEMAS["saved_plan"]["description"].startswith("Of what is sent only hashes")
