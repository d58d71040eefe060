"""Stacks in compose mode: what differs, and the plan of it."""

from __future__ import annotations

import json
from dataclasses import replace
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from deployer.diff.cluster import diff
from deployer.diff.guards import removals
from deployer.model.cluster import Policy
from deployer.model.project import Project, ProjectContainer, ProjectService
from deployer.plan.text import plan_text
from tests.decisions import decide, get_status
from tests.literals.desired import make_cluster, make_desired, make_node, make_source
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.stacks import make_stack
from tests.literals.swarm import make_observed
from tests.model_cluster import run_plan

if TYPE_CHECKING:
    from deployer.model.observed import Observed
    from deployer.model.stack import StackObjects

FILE = json.dumps({"name": "shop", "services": {"web": {"image": "nginx"}, "db": {"image": "redis"}}})
PROJECT = Project(
    "shop", "m1", FILE, (ProjectService("db", 1, "redis", "d1"), ProjectService("web", 2, "nginx", "w1")), {}
)
SHOP = make_stack("shop", project=PROJECT)
MACHINES = make_cluster(make_node("m1", "none"), make_node("m2", "none"))
WANTED = make_desired(MACHINES, make_source("shop", mode="compose", node="m1"))


def container(service: str, hash_: str, name: str = "", **more: object) -> ProjectContainer:
    image = {"db": "redis", "web": "nginx"}.get(service, "old")
    made = ProjectContainer("shop", service, name or f"shop-{service}-1", hash_, image, "running", healthy=True)
    return replace(made, **more)  # type: ignore[arg-type] # fields of its own


DB, WEB, WEB2 = container("db", "d1"), container("web", "w1"), container("web", "w1", "shop-web-2")


def seen(*containers: ProjectContainer, m2: tuple[ProjectContainer, ...] = ()) -> Observed:
    projects = {"m1": containers, "m2": m2}
    return make_observed({name: make_machine(engine=make_engine(projects=of)) for name, of in projects.items()})


def plan_of(there: Observed, *objects: StackObjects) -> str:
    """The plan's text; after it there is nothing left to do."""
    wanted = WANTED if objects else make_desired(MACHINES)
    plan = decide(wanted, there, objects)
    assert not decide(wanted, run_plan(there, plan), objects).steps
    return plan_text(plan)


def test_nothing_is_there() -> None:
    assert plan_of(seen(), SHOP) == dedent("""\
        Plan for sandbox at 0123456789

        + #1 shop: docker compose up on m1: db 1, web 2; wait up to 180 s (not found)
               db.containers: 0 -> 1
               web.containers: 0 -> 2

        Plan: 1 to add, 0 to change, 0 to remove (2 unchanged).
        """)


def test_all_is_as_it_should_be() -> None:
    assert "No changes" in plan_of(seen(DB, WEB, WEB2), SHOP)


@pytest.mark.parametrize(
    ("there", "cause", "field"),
    [
        pytest.param((DB, WEB), "count differs", "web.containers: 1 -> 2", id="count"),
        pytest.param((DB, container("web", "w0"), WEB2), "changed in git", "web.definition: w0 -> w1", id="definition"),
        pytest.param((DB, container("web", ""), WEB2), "drifted", "web.definition: (none) -> w1", id="by hand"),
        pytest.param((DB, container("web", "w0", image="nginx:old"), WEB2), "changed in git", "web.image: nginx:old -> nginx", id="image"),
        pytest.param((DB, WEB, replace(WEB2, state="exited", healthy=False)), "not running", "web.state: 1 exited -> running and healthy", id="stopped"),
        pytest.param((DB, WEB, replace(WEB2, healthy=False)), "not healthy yet", "web.state: 1 running -> running and healthy", id="unhealthy"),
        pytest.param((DB, WEB, WEB2, container("old", "o1")), "not in git any more", "old.containers: 1 -> 0", id="orphan"),
    ],
)  # fmt: skip
def test_one_difference(there: tuple[ProjectContainer, ...], cause: str, field: str) -> None:
    text = plan_of(seen(*there), SHOP)
    assert f"~ #1 shop: docker compose up on m1: db 1, web 2; wait up to 180 s ({cause})\n" in text
    assert f"       {field}\n" in text


def test_what_is_sent_says_whose_it_is() -> None:
    (change,) = diff(WANTED, [SHOP], seen()).changes
    assert json.loads(change.project.file)["services"]["web"]["labels"] == {"deployer.cluster": "sandbox"}  # type: ignore[union-attr]


def test_a_project_that_git_does_not_have_goes_and_counts_as_a_stack() -> None:
    text = plan_of(seen(DB, WEB, WEB2))
    assert "- #1 shop: remove the compose project from m1; its volumes stay (not in git any more)\n" in text
    found = removals(diff(make_desired(MACHINES), [], seen(DB, WEB, WEB2)).changes)
    assert [(one.kind, one.name) for one in found] == [("stack", "shop")]


def test_a_project_that_moves_leaves_its_old_machine_last() -> None:
    there = seen(m2=(DB, WEB, WEB2))
    text = plan_of(there, SHOP)
    assert "+ #1 shop: docker compose up on m1" in text
    assert "- #2 shop: remove the compose project from m2" in text
    assert decide(WANTED, there, [SHOP]).steps[1].needs == (1,)


def test_where_nothing_is_pruned_it_stays() -> None:
    kept = replace(MACHINES, policy=Policy(prune=False))
    assert not diff(make_desired(kept), [], seen(DB)).changes


def test_a_machine_that_is_down_is_an_obstacle_and_its_status_unknown() -> None:
    there = make_observed({"m1": DOWN, "m2": make_machine("192.0.2.2", make_engine())})
    found = diff(WANTED, [SHOP], there)
    assert [(one.subject, one.unreachable) for one in found.blocked if "stack" in one.subject] == [("stack shop", True)]
    (told,) = get_status(WANTED, there, [SHOP]).stacks
    assert (told.sync, told.health) == ("Unknown", "Unknown")


def test_status() -> None:
    there = seen(DB, WEB, replace(WEB2, state="exited", healthy=False))
    (told,) = get_status(WANTED, there, [SHOP]).stacks
    assert (told.sync, told.health) == ("OutOfSync", "Degraded")
    rows = [(one.name, one.running, one.wanted, one.sync, one.health) for one in told.services]
    assert rows == [("shop_db", 1, 1, "Synced", "Healthy"), ("shop_web", 1, 2, "OutOfSync", "Degraded")]
