"""Changes in, an ordered plan out; and what became of it. Pure."""

from deployer.plan.build import build_plan
from deployer.plan.only import restricted, unknown_stacks
from deployer.plan.outcome import Began, Done, Ended, Event, Failed, Outcome, Progress, Report, Skipped
from deployer.plan.refusal import refuse
from deployer.plan.scale import scale_plan
from deployer.plan.steps import Plan, Step
from deployer.plan.text import describe, plan_text

__all__ = [
    "Began", "Done", "Ended", "Event", "Failed", "Outcome", "Plan", "Progress", "Report", "Skipped", "Step",
    "build_plan", "describe", "plan_text", "refuse", "restricted", "scale_plan", "unknown_stacks",
]  # fmt: skip
