"""The ordered steps that make the cluster what git says, and what became of them. Pure."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from deployer.plan.build import build_plan
    from deployer.plan.only import restricted, unknown_stacks
    from deployer.plan.operations import describe
    from deployer.plan.outcome import Began, Done, Ended, Event, Failed, Outcome, Progress, Report, Skipped
    from deployer.plan.refusal import refuse
    from deployer.plan.scale import scale_plan
    from deployer.plan.steps import Plan, Step
    from deployer.plan.text import plan_text

__all__ = [
    "Began",
    "Done",
    "Ended",
    "Event",
    "Failed",
    "Outcome",
    "Plan",
    "Progress",
    "Report",
    "Skipped",
    "Step",
    "build_plan",
    "describe",
    "plan_text",
    "refuse",
    "restricted",
    "scale_plan",
    "unknown_stacks",
]

_WHERE: Final = {
    "Began": "outcome",
    "Done": "outcome",
    "Ended": "outcome",
    "Event": "outcome",
    "Failed": "outcome",
    "Outcome": "outcome",
    "Plan": "steps",
    "Progress": "outcome",
    "Report": "outcome",
    "Skipped": "outcome",
    "Step": "steps",
    "build_plan": "build",
    "describe": "operations",
    "plan_text": "text",
    "refuse": "refusal",
    "restricted": "only",
    "scale_plan": "scale",
    "unknown_stacks": "only",
}


def __getattr__(name: str) -> Any:
    """What only validates, or prints a line, does without the planner: a commit hook starts a quarter faster."""
    if name not in _WHERE:
        raise AttributeError(name)
    return getattr(import_module(f"deployer.plan.{_WHERE[name]}"), name)
