"""What `deployer validate` prints: problems, or the sizes of what is valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from deployer.model.amounts import plural
from deployer.model.commit import short
from deployer.model.counts import Count
from deployer.report.document import DiagnosticDocument, Document, diagnostics
from deployer.report.problems import problems_github, problems_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.desired import Desired
    from deployer.model.problem import Problem
    from deployer.model.stack import StackObjects
    from deployer.report.paint import Paint


class InvalidDocument(Document, frozen=True, kw_only=True):
    type: Literal["validation"] = "validation"
    valid: Annotated[bool, Meta(extra_json_schema={"const": False})] = False
    error_count: Count
    warning_count: Count
    diagnostics: tuple[DiagnosticDocument, ...]


class ValidDocument(InvalidDocument, frozen=True, kw_only=True):
    valid: Annotated[bool, Meta(extra_json_schema={"const": True})] = True
    cluster: str
    commit: str
    machines: Count
    stacks: Count
    services: Count


def invalid_text(problems: Sequence[Problem], paint: Paint, *, github: bool = False) -> str:
    return problems_github(problems) if github else problems_text(problems, paint)


def valid_text(valid: ValidDocument, warnings: Sequence[Problem], paint: Paint, *, github: bool = False) -> str:
    """The warnings, and last `1a2b3c4d5e is valid: 4 machines, 2 stacks, 3 services`."""
    sizes = ((valid.machines, "machine"), (valid.stacks, "stack"), (valid.services, "service"))
    counted = ", ".join(plural(count, word) for count, word in sizes)
    listed = invalid_text(warnings, paint, github=github)
    gap = "\n" if listed and not github else ""
    return f"{listed}{gap}{short(valid.commit)} is valid: {counted}\n"


def invalid_document(problems: Sequence[Problem]) -> InvalidDocument:
    return InvalidDocument(**diagnostics(problems))


def valid_document(desired: Desired, objects: Sequence[StackObjects], warnings: Sequence[Problem]) -> ValidDocument:
    return ValidDocument(
        **diagnostics(warnings),
        cluster=desired.cluster.name,
        commit=desired.commit,
        machines=len(desired.cluster.nodes),
        stacks=len(desired.stacks),
        services=sum(len(stack.project.services if stack.project else stack.services) for stack in objects),
    )
