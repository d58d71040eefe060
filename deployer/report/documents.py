"""The same values as the texts, as JSON documents; their schemas lie in `schemas/`.

Every document has `format_version` and `type`. A minor version adds, a major version breaks; readers ignore keys that they
do not know.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from deployer.plan.operations import describe, mark, on_failure
from deployer.plan.outcome import Done, Failed, Outcome, Skipped
from deployer.plan.text import totals
from deployer.report.document import diagnostics, head, to_json
from deployer.report.masked import field_document
from deployer.report.plan import place
from deployer.report.words import counts

if TYPE_CHECKING:
    from deployer.diff.change import Blocked, Drifted
    from deployer.diff.effect import Effect
    from deployer.model.status import Status
    from deployer.plan.operations import Operation
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan, Step

__all__ = [
    "diagnostics", "head", "outcome_document", "plan_document", "plan_summary", "report_document", "report_summary",
    "status_document", "step_document", "to_json",
]  # fmt: skip


def plan_document(plan: Plan) -> dict[str, Any]:
    return {
        **head("plan"),
        "cluster": plan.cluster,
        "commit": plan.commit,
        "empty": plan.empty,
        "summary": plan_summary(plan),
        "steps": [step_document(step) for step in plan.steps],
        "blocked": [_blocked(obstacle) for obstacle in plan.blocked],
        "drifted": [_drifted(left) for left in plan.drifted],
        "refused": [{"subject": one.subject, "reason": one.reason, "help": one.help} for one in plan.refused],
        "kept": [{"subject": one.subject, "reason": one.reason} for one in plan.kept],
        "warnings": [{"subject": one.subject, "reason": one.reason, "help": one.help} for one in plan.warned],
    }


def plan_summary(plan: Plan) -> dict[str, int]:
    added, changed, removed = totals(plan)
    counted = {"add": added, "change": changed, "remove": removed}
    return counted | {"unchanged": plan.unchanged, "blocked": len(plan.blocked)}


def report_document(report: Report) -> dict[str, Any]:
    return {
        **head("report"),
        "cluster": report.plan.cluster,
        "commit": report.plan.commit,
        "ok": report.ok,
        "exit_code": report.exit_code,
        "stopped": report.stopped or None,
        "lost": report.lost or None,
        "lock_index": report.lock_index or None,
        "seconds": round(report.seconds, 3),
        "summary": report_summary(report),
        "steps": [
            step_document(step) | {"outcome": outcome_document(report.outcome(step))} for step in report.plan.steps
        ],
        "blocked": [_blocked(obstacle) for obstacle in report.plan.blocked],
        "drifted": [_drifted(left) for left in report.plan.drifted],
    }


def report_summary(report: Report) -> dict[str, int]:
    done, failed, skipped = counts(report)
    return {"done": done, "failed": failed, "skipped": skipped, "blocked": len(report.plan.blocked)}


def status_document(status: Status) -> dict[str, Any]:
    """Field names as in the values themselves: deployer.model.status."""
    document = {**head("status"), "well": status.well, **asdict(status)}
    for stack, told in zip(status.stacks, document["stacks"], strict=True):
        for service, row in zip(stack.services, told["services"], strict=True):
            row["drift"] = [field_document(field) for field in service.drift]
    return document


def step_document(step: Step) -> dict[str, Any]:
    """One step. The bodies that are sent are left out: they may carry secrets, and `fields` say what differs."""
    subject, action = describe(step.operation)
    kind, name = place(step.operation)
    return {
        "number": step.number,
        "kind": _kind(step.operation),
        "mark": mark(step.operation),
        "group": {"kind": kind, "name": name},
        "subject": subject,
        "action": action,
        "cause": step.cause and str(step.cause),
        "effect": _effect(step.effect),
        "fields": [field_document(field) for field in step.fields],
        "needs": list(step.needs),
        "follows": list(step.follows),
        "any_of": list(step.any_of),
        "rescues": list(step.rescues),
        "on_failure": on_failure(step.operation),
    }


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    match outcome:
        case Done(seconds, detail):
            return {"state": "done", "seconds": round(seconds, 3), "detail": detail}
        case Failed(seconds, reason, log):
            return {"state": "failed", "seconds": round(seconds, 3), "reason": reason, "log": list(log)}
        case Skipped(because):
            return {"state": "skipped", "because": because or None}


def _kind(operation: Operation) -> str:
    """`InstallEngine` -> `install_engine`"""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(operation).__name__).lower()


def _effect(effect: Effect | None) -> dict[str, Any] | None:
    return {"text": str(effect), **asdict(effect)} if effect else None


def _drifted(left: Drifted) -> dict[str, Any]:
    return {"stack": left.stack, "service": left.name, "fields": [field_document(field) for field in left.fields]}


def _blocked(obstacle: Blocked) -> dict[str, Any]:
    about = {"subject": obstacle.subject, "reason": obstacle.reason, "help": obstacle.help}
    return {**about, "unreachable": obstacle.unreachable, "place": obstacle.place}
