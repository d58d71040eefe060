"""Counts that are set live and not in git."""

from __future__ import annotations

from deployer.diff.cause import Cause
from deployer.diff.cluster import diff
from deployer.diff.stacks import ServiceDiffers
from deployer.model.counts import Wanted
from deployer.model.observed import LiveService, Swarm
from deployer.plan.scale import scale_plan
from deployer.plan.text import plan_text
from tests.decisions import get_change, list_kinds, list_reasons
from tests.literals.desired import ALONE, CLUSTER, COMMIT, SHORT, make_desired, make_source
from tests.literals.live import deploy_service
from tests.literals.stacks import make_service, make_stack
from tests.literals.swarm import make_standing, make_swarm
from tests.model_cluster import run_plan

WEB, DB = make_service("shop_web", 2), make_service("shop_db")


def swarm(*more: LiveService) -> Swarm:
    return make_swarm(services=(deploy_service(WEB), deploy_service(DB), *more))


def text(*wanted: Wanted, live: Swarm | None) -> str:
    return plan_text(scale_plan(CLUSTER, COMMIT, wanted, live))


def test_the_count_alone_is_written_and_waited_for() -> None:
    assert text(Wanted("shop", "web", 5), Wanted("shop", "db", 0), live=swarm()) == (
        f"Plan for sandbox at {SHORT}\n\n"
        "~ #1 shop_web: update service, 5 replicas (asked for): starts 3 tasks\n"
        "       Mode.Replicated.Replicas: 2 -> 5\n"
        "~ #2 shop_db: update service, 0 replicas (asked for): stops 1 task\n"
        "       Mode.Replicated.Replicas: 1 -> 0\n"
        ". #3 shop: wait up to 180 s for shop_db, shop_web\n\n"
        "Plan: 0 to add, 2 to change, 0 to remove (0 unchanged).\n"
    )


def test_what_was_set_so_is_drift_for_the_next_plan() -> None:
    """The labels stay: the hash still says what git asked for."""
    seen = make_standing(services=(deploy_service(WEB),))
    plan = scale_plan(CLUSTER, COMMIT, [Wanted("shop", "web", 5)], seen.swarm)
    assert list_kinds(plan) == ["UpdateService", "AwaitServices"]
    wanted = make_desired(ALONE, make_source("shop"))
    found = get_change(diff(wanted, [make_stack("shop", WEB)], run_plan(seen, plan)), ServiceDiffers)
    assert (found.cause, [(field.old, field.new) for field in found.fields]) == (Cause.DRIFTED, [(5, 2)])


def test_what_has_that_count_already_is_left_alone() -> None:
    plan = scale_plan(CLUSTER, COMMIT, [Wanted("shop", "web", 2), Wanted("shop", "db", 1)], swarm())
    assert (plan.empty, plan.unchanged) == (True, 2)


def test_what_cannot_be_scaled_says_why() -> None:
    everywhere = deploy_service(make_service("shop_log", Mode={"Global": {}}), wanted=1)
    foreign = LiveService("id", 3, make_service("shop_old", 1), 1, 1)
    wanted = [Wanted("shop", name, 3) for name in ("log", "old", "wbe")]
    plan = scale_plan(CLUSTER, COMMIT, wanted, swarm(everywhere, foreign))
    assert not plan.steps
    assert list_reasons(plan) == [
        ("service shop_log", "it has no count: one runs on every machine"),
        ("service shop_old", "it exists and is not this cluster's (no label deployer.cluster of it)"),
        ("service shop_wbe", "there is no such service"),
    ]
    assert plan.blocked[2].help == "did you mean 'shop_web'?"
    assert scale_plan(CLUSTER, COMMIT, wanted, None).blocked[0].subject == "swarm"
