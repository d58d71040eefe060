"""Plans and reports of runs as JSON documents. What is sent is left out: it may hold secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from msgspec import Meta
from msgspec.structs import asdict

from deployer.diff.cause import Cause
from deployer.diff.effect import Order
from deployer.model.counts import Count
from deployer.plan.operations import Operation, describe, mark, on_failure
from deployer.plan.outcome import Done, Failed, Outcome, Skipped
from deployer.plan.steps import Mark
from deployer.plan.text import totals
from deployer.report.document import Document, Part, Positive, Seconds
from deployer.report.masked import FieldDocument, field_documents
from deployer.report.plan import place
from deployer.report.words import counts

if TYPE_CHECKING:
    from deployer.diff.effect import Effect
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan, Step


class PlanSummary(Part, frozen=True):
    add: Count
    change: Count
    remove: Count
    unchanged: Count
    blocked: Count


class GroupDocument(Part, frozen=True):
    """Whose work a step is."""

    kind: Literal["machine", "stack"]
    name: str


class EffectDocument(Part, frozen=True):
    text: str
    restarts: Count
    starts: Count
    stops: Count
    at_once: Count
    """0: all of them."""
    order: Order
    at_most: bool
    """Some of `restarts` may stay."""
    job: bool
    """The job runs again."""
    rest: bool
    """Restarts the tasks that an earlier update did not reach."""


def kind_of(operation: type[Operation]) -> str:
    """`InstallEngine` -> `install_engine`"""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation.__name__).lower()


def list_kinds() -> list[str]:
    return [kind_of(operation) for operation in get_args(Operation)]


class StepDocument(Part, frozen=True):
    number: Positive
    kind: Annotated[str, Meta(extra_json_schema={"enum": list_kinds()})]
    mark: Mark
    """+ adds, ~ changes, - takes away, -/+ replaces, . waits."""
    group: GroupDocument
    subject: str
    action: str
    cause: Cause | None
    """null for waits: they follow from the other steps."""
    effect: EffectDocument | None
    """What an update of a service does to its tasks; null for every other step."""
    fields: tuple[FieldDocument, ...]
    needs: tuple[int, ...]
    """Steps that must have succeeded first."""
    follows: tuple[int, ...]
    """Steps that must have ended first, however they did."""
    any_of: tuple[int, ...]
    """Steps of which one at least must have succeeded."""
    rescues: tuple[int, ...]
    """It is done only if one of these steps failed."""
    on_failure: tuple[str, ...]
    """What is done about services that fail."""


class BlockedDocument(Part, frozen=True):
    """Wanted, and not possible now."""

    subject: str
    reason: str
    help: str
    unreachable: bool
    """Only because a machine did not answer."""
    place: str
    """path:line:column of the cause, if the cause is in a file; else empty."""


class DriftedDocument(Part, frozen=True):
    """Changed by hand, and left as it is (drift: report)."""

    stack: str
    service: str
    fields: tuple[FieldDocument, ...]


class AdviceDocument(Part, frozen=True):
    subject: str
    reason: str
    help: str


class KeptDocument(Part, frozen=True):
    subject: str
    reason: str


class PlanDocument(Document, frozen=True, kw_only=True):
    type: Literal["plan"] = "plan"
    cluster: str
    commit: str
    empty: bool
    summary: PlanSummary
    steps: tuple[StepDocument, ...]
    blocked: tuple[BlockedDocument, ...]
    drifted: tuple[DriftedDocument, ...]
    refused: tuple[AdviceDocument, ...]
    """Guards that say no: nothing of the plan is done."""
    kept: tuple[KeptDocument, ...]
    """What git does not have any more, and what stays all the same."""
    warnings: tuple[AdviceDocument, ...]
    """What is done as git says, and will not do well."""


class DoneDocument(Part, frozen=True, tag_field="state", tag="done"):
    seconds: Seconds
    detail: str


class FailedDocument(Part, frozen=True, tag_field="state", tag="failed"):
    seconds: Seconds
    reason: str
    log: tuple[str, ...]


class SkippedDocument(Part, frozen=True, tag_field="state", tag="skipped"):
    because: int | None
    """The step that did not succeed; null where the run was stopped."""


OutcomeDocument = DoneDocument | FailedDocument | SkippedDocument


class EndedStepDocument(StepDocument, frozen=True):
    outcome: OutcomeDocument


class ReportSummary(Part, frozen=True):
    done: Count
    failed: Count
    skipped: Count
    blocked: Count


class ReportDocument(Document, frozen=True, kw_only=True):
    type: Literal["report"] = "report"
    cluster: str
    commit: str
    ok: bool
    exit_code: Count
    stopped: Literal["interrupted", "terminated", "timed out", "lock lost"] | None
    lost: str | None
    """Why the lock was lost, where that stopped the run."""
    lock_index: Positive | None
    """How often the cluster's lock in Consul had been taken, this run included; null where this run did not take it."""
    seconds: Seconds
    summary: ReportSummary
    steps: tuple[EndedStepDocument, ...]
    blocked: tuple[BlockedDocument, ...]
    drifted: tuple[DriftedDocument, ...]


def plan_document(plan: Plan) -> PlanDocument:
    return PlanDocument(
        cluster=plan.cluster,
        commit=plan.commit,
        empty=plan.empty,
        summary=summarize_plan(plan),
        steps=tuple(map(step_document, plan.steps)),
        blocked=_blocked(plan),
        drifted=_drifted(plan),
        refused=tuple(AdviceDocument(one.subject, one.reason, one.help) for one in plan.refused),
        kept=tuple(KeptDocument(one.subject, one.reason) for one in plan.kept),
        warnings=tuple(AdviceDocument(one.subject, one.reason, one.help) for one in plan.warned),
    )


def summarize_plan(plan: Plan) -> PlanSummary:
    return PlanSummary(*totals(plan), plan.unchanged, len(plan.blocked))


def report_document(report: Report) -> ReportDocument:
    steps = (
        EndedStepDocument(**asdict(step_document(step)), outcome=outcome_document(report.outcome(step)))
        for step in report.plan.steps
    )
    return ReportDocument(
        cluster=report.plan.cluster,
        commit=report.plan.commit,
        ok=report.ok,
        exit_code=report.exit_code,
        stopped=report.stopped or None,
        lost=report.lost or None,
        lock_index=report.lock_index or None,
        seconds=round(report.seconds, 3),
        summary=summarize_report(report),
        steps=tuple(steps),
        blocked=_blocked(report.plan),
        drifted=_drifted(report.plan),
    )


def summarize_report(report: Report) -> ReportSummary:
    return ReportSummary(*counts(report), len(report.plan.blocked))


def step_document(step: Step) -> StepDocument:
    """One step; `fields` say what differs, the bodies that are sent are left out."""
    subject, action = describe(step.operation)
    return StepDocument(
        number=step.number,
        kind=kind_of(type(step.operation)),
        mark=mark(step.operation),
        group=GroupDocument(*place(step.operation)),
        subject=subject,
        action=action,
        cause=step.cause,
        effect=_effect(step.effect),
        fields=field_documents(step.fields),
        needs=step.needs,
        follows=step.follows,
        any_of=step.any_of,
        rescues=step.rescues,
        on_failure=tuple(on_failure(step.operation)),
    )


def outcome_document(outcome: Outcome) -> OutcomeDocument:
    match outcome:
        case Done(seconds, detail):
            return DoneDocument(round(seconds, 3), detail)
        case Failed(seconds, reason, log):
            return FailedDocument(round(seconds, 3), reason, log)
        case Skipped(because):
            return SkippedDocument(because or None)


def _effect(effect: Effect | None) -> EffectDocument | None:
    return EffectDocument(text=str(effect), **vars(effect)) if effect else None


def _blocked(plan: Plan) -> tuple[BlockedDocument, ...]:
    return tuple(BlockedDocument(one.subject, one.reason, one.help, one.unreachable, one.place) for one in plan.blocked)


def _drifted(plan: Plan) -> tuple[DriftedDocument, ...]:
    return tuple(DriftedDocument(one.stack, one.name, field_documents(one.fields)) for one in plan.drifted)
