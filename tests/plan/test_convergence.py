"""Any cluster and any commit: the plan can be done as it stands, and after it there is nothing left to do."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.model.observed import Observed
from deployer.plan.text import plan_text
from tests.decisions import decide
from tests.model_cluster import run_plan
from tests.model_cluster.drawn import Commit, commits, states

slow_to_draw = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@settings(slow_to_draw, max_examples=50)
@given(commits(), states())
def test_what_can_be_done_is_done_by_one_plan(commit: Commit, seen: Observed) -> None:
    plan = decide(commit.desired, seen, commit.objects)
    for step in plan.steps:
        assert all(0 < earlier < step.number for earlier in (*step.needs, *step.follows))
    again = decide(commit.desired, run_plan(seen, plan), commit.objects)
    assert again.steps == (), plan_text(plan) + plan_text(again)
    assert again.blocked == plan.blocked


@settings(slow_to_draw, max_examples=20)
@given(commits(), states(), st.data())
def test_a_run_that_was_cut_off_or_failed_in_part_is_finished_by_the_next(
    commit: Commit, seen: Observed, data: st.DataObject
) -> None:
    plan = decide(commit.desired, seen, commit.objects)
    numbers = st.integers(0, len(plan.steps))
    left = run_plan(seen, plan, failing=data.draw(st.sets(numbers, max_size=2)), last=data.draw(numbers))
    second = decide(commit.desired, left, commit.objects)
    again = decide(commit.desired, run_plan(left, second), commit.objects)
    assert again.steps == (), plan_text(plan) + plan_text(second) + plan_text(again)
    assert again.blocked == plan.blocked
