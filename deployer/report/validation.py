"""What `validate` found in, text or JSON out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.model.amounts import plural
from deployer.model.commit import short
from deployer.report.document import diagnostics, head
from deployer.report.problems import problems_github, problems_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.desired import Desired
    from deployer.model.problem import Problem
    from deployer.model.stack import StackObjects
    from deployer.report.paint import Paint


def invalid_text(problems: Sequence[Problem], paint: Paint, *, github: bool = False) -> str:
    return problems_github(problems) if github else problems_text(problems, paint)


def valid_text(
    desired: Desired,
    objects: Sequence[StackObjects],
    warnings: Sequence[Problem],
    paint: Paint,
    *,
    github: bool = False,
) -> str:
    """The warnings, and last `1a2b3c4d5e is valid: 4 machines, 2 stacks, 3 services`."""
    sizes = sizes_of(desired, objects)
    counted = ", ".join(plural(count, word[:-1]) for word, count in sizes.items())
    listed = invalid_text(warnings, paint, github=github)
    gap = "\n" if listed and not github else ""
    return f"{listed}{gap}{short(desired.commit)} is valid: {counted}\n"


def invalid_document(problems: Sequence[Problem]) -> dict[str, Any]:
    return {**head("validation"), "valid": False, **diagnostics(problems)}


def valid_document(desired: Desired, objects: Sequence[StackObjects], warnings: Sequence[Problem]) -> dict[str, Any]:
    about = {"cluster": desired.cluster.name, "commit": desired.commit} | sizes_of(desired, objects)
    return {**head("validation"), "valid": True, **diagnostics(warnings), **about}


def sizes_of(desired: Desired, objects: Sequence[StackObjects]) -> dict[str, int]:
    services = sum(len(stack.project.services if stack.project else stack.services) for stack in objects)
    return {"machines": len(desired.cluster.nodes), "stacks": len(desired.stacks), "services": services}
