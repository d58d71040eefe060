"""Who changed what: git, somebody's hand, or both; what is reported, and what is not looked at."""

from dataclasses import replace
from typing import Any

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Diff
from deployer.diff.drift import Rules, unknown_fields
from deployer.diff.stacks import diff_stacks
from deployer.model import labels
from deployer.model.cluster import Policy
from deployer.model.field import Field
from deployer.model.observed import LiveService
from deployer.model.stack import StackSettings
from tests.decisions import decide, get_update
from tests.literals.desired import ALONE, CLUSTER, COMMIT, make_desired, make_source
from tests.literals.live import change_by_hand, deploy_service
from tests.literals.stacks import make_service, make_stack, with_container, with_template
from tests.literals.swarm import make_standing
from tests.model_cluster import run_plan

ENV = "TaskTemplate.ContainerSpec.Env"
IMAGE = "TaskTemplate.ContainerSpec.Image"
COUNT = "Mode.Replicated.Replicas"
BASE = with_container(make_service("s_web", 3), Env=["A=1", "B=1"])


def by_hand(body: dict[str, Any], changed: dict[str, Any]) -> LiveService:
    """What deployer made of `body`, changed to `changed` by somebody who leaves its labels alone."""
    seen = deploy_service(body)
    return change_by_hand(seen, **{**changed, "Labels": {**seen.labels, **changed["Labels"]}})


def compare(body: dict[str, Any], seen: LiveService, policy: Any = "correct", **settings: Any) -> Diff:
    there = make_standing(services=(seen,)).swarm
    return diff_stacks(CLUSTER, [make_stack("s", body)], there, COMMIT, {"s": StackSettings(**settings)}, Rules(policy))


def told(fields: tuple[Field, ...]) -> list[tuple[str, bool]]:
    return [(field.path, field.drifted) for field in fields]


GIT = with_container(make_service("s_web", 3, "app:2"), Env=["A=1", "B=1"])
HAND = with_container(make_service("s_web", 3), Env=["A=9", "B=1"])


class TestCause:
    def test_git(self) -> None:
        change = get_update(compare(GIT, deploy_service(BASE)))
        assert (change.cause, told(change.fields)) == (Cause.CHANGED, [(IMAGE, False)])

    def test_a_hand(self) -> None:
        change = get_update(compare(BASE, by_hand(BASE, HAND)))
        assert (change.cause, told(change.fields)) == (Cause.DRIFTED, [(f"{ENV}.A", True)])

    def test_both_each_its_own_field(self) -> None:
        change = get_update(compare(GIT, by_hand(BASE, HAND)))
        assert change.cause is Cause.CHANGED_AND_DRIFTED
        assert told(change.fields) == [(f"{ENV}.A", True), (IMAGE, False)]

    @pytest.mark.parametrize(
        ("hand", "drifted"),
        [
            pytest.param(with_container(BASE, Env=["A=1"]), [f"{ENV}.B"], id="taken out"),
            pytest.param(with_container(BASE, Env=["A=1", "B=1", "C=1"]), [f"{ENV}.C"], id="put in"),
            pytest.param(with_container(BASE, Env=["A=1", "B=2"]), [f"{ENV}.B"], id="changed"),
            pytest.param({**BASE, "Labels": {**BASE["Labels"], "x": ""}}, ["Labels.x"], id="an empty label"),
            pytest.param({**BASE, "Mode": {"Replicated": {"Replicas": 0}}}, [COUNT], id="scaled to none"),
            pytest.param(
                with_container(BASE, Mounts=[{"Type": "volume", "Source": "v", "Target": "/v"}]),
                ["TaskTemplate.ContainerSpec.Mounts[/v]"],
                id="a whole mount",
            ),
        ],
    )
    def test_kinds_of_drift_beside_a_change_in_git(self, hand: dict[str, Any], drifted: list[str]) -> None:
        change = get_update(compare(with_container(BASE, Image="app:2"), by_hand(BASE, hand)))
        assert [field.path for field in change.fields if field.drifted] == drifted
        assert [field.path for field in change.fields if not field.drifted] == [IMAGE]

    def test_git_takes_out_and_puts_in(self) -> None:
        change = get_update(compare(with_container(BASE, Env=["A=1", "C=1"]), deploy_service(BASE)))
        assert (change.cause, told(change.fields)) == (Cause.CHANGED, [(f"{ENV}.B", False), (f"{ENV}.C", False)])

    def test_the_same_field_by_both_is_both(self) -> None:
        change = get_update(compare(with_container(BASE, Env=["A=2", "B=1"]), by_hand(BASE, HAND)))
        assert change.fields == (Field(f"{ENV}.A", "9", "2"),)
        assert change.cause is Cause.DRIFTED

    @pytest.mark.parametrize(("body", "cause"), [(BASE, Cause.DRIFTED), (GIT, Cause.CHANGED)])
    def test_what_an_earlier_version_made_has_no_such_label(self, body: dict[str, Any], cause: Cause) -> None:
        seen = by_hand(BASE, HAND)
        kept = {key: value for key, value in seen.labels.items() if key != labels.FIELDS}
        assert get_update(compare(body, change_by_hand(seen, Labels=kept))).cause is cause


class TestReport:
    def test_drift_is_shown_and_left(self) -> None:
        found = compare(BASE, by_hand(BASE, HAND), "report")
        assert found.changes == ()
        (left,) = found.drifted
        assert (left.stack, left.name, left.fields) == ("s", "s_web", (Field(f"{ENV}.A", "9", "1"),))
        assert found.unchanged == 0

    def test_a_stack_says_otherwise_than_the_cluster(self) -> None:
        assert compare(BASE, by_hand(BASE, HAND), "correct", drift="report").changes == ()
        assert get_update(compare(BASE, by_hand(BASE, HAND), "report", drift="correct")).cause is Cause.DRIFTED

    def test_what_git_changed_is_done_and_what_drifted_is_kept(self) -> None:
        found = compare(GIT, by_hand(BASE, HAND), "report")
        change = get_update(found)
        assert (change.cause, told(change.fields)) == (Cause.CHANGED, [(IMAGE, False)])
        container = change.body["TaskTemplate"]["ContainerSpec"]
        assert (container["Image"], container["Env"]) == ("app:2", ["A=9", "B=1"])
        assert told(found.drifted[0].fields) == [(f"{ENV}.A", True)]

    def test_and_stays_drift_afterwards(self) -> None:
        wanted = make_desired(replace(ALONE, policy=Policy(drift="report")), make_source("s"))
        seen, stacks = make_standing(services=(by_hand(BASE, HAND),)), [make_stack("s", GIT)]
        after = run_plan(seen, decide(wanted, seen, stacks))
        assert after.swarm is not None
        (live,) = after.swarm.services
        found = compare(GIT, live, "report")
        assert found.changes == ()
        assert told(found.drifted[0].fields) == [(f"{ENV}.A", True)]
        assert get_update(compare(GIT, live)).cause is Cause.DRIFTED

    def test_git_wins_where_both_changed_a_field(self) -> None:
        change = get_update(compare(with_container(BASE, Env=["A=2", "B=1"]), by_hand(BASE, HAND), "report"))
        assert change.fields == (Field(f"{ENV}.A", "9", "2"),)


SCALED = {**BASE, "Mode": {"Replicated": {"Replicas": 7}}}


class TestIgnore:
    @pytest.mark.parametrize("ignore", ["replicas", "web.replicas"])
    def test_it_is_no_difference(self, ignore: str) -> None:
        assert compare(BASE, deploy_service(SCALED), ignore=(ignore,)) == Diff((), (), 1)

    @pytest.mark.parametrize("ignore", ["db.replicas", "image", "web.environment"])
    def test_of_another_service_or_field_it_is(self, ignore: str) -> None:
        assert get_update(compare(BASE, deploy_service(SCALED), ignore=(ignore,))).fields == (Field(COUNT, 7, 3),)

    def test_it_is_carried_over_when_something_else_changes(self) -> None:
        change = get_update(compare(GIT, by_hand(BASE, SCALED), ignore=("replicas",)))
        assert told(change.fields) == [(IMAGE, False)]
        assert change.body["Mode"] == {"Replicated": {"Replicas": 7}}
        assert change.body["TaskTemplate"]["ContainerSpec"]["Image"] == "app:2"
        assert str(change.effect) == "restarts 7 tasks, 1 at a time, stop-first"
        assert change.body["Labels"][labels.COMMIT] == COMMIT

    def test_one_variable(self) -> None:
        hand = with_container(BASE, Env=["A=9", "B=9"])
        change = get_update(compare(BASE, by_hand(BASE, hand), ignore=("environment.A",)))
        assert told(change.fields) == [(f"{ENV}.B", True)]
        assert change.body["TaskTemplate"]["ContainerSpec"]["Env"] == ["A=9", "B=1"]


class TestWhatIsSent:
    """swarmkit compares what tasks are made of byte for byte."""

    def test_the_live_template_where_nothing_of_it_differs(self) -> None:
        stored = with_template(BASE, Resources={"Limits": {}}, Runtime="container", ForceUpdate=3)
        change = get_update(
            compare(make_service("s_web", 4) | {"TaskTemplate": BASE["TaskTemplate"]}, by_hand(BASE, stored))
        )
        assert change.body["TaskTemplate"] == stored["TaskTemplate"]

    def test_with_another_placement_where_only_that_differs(self) -> None:
        stored = with_template(BASE, Resources={"Limits": {}}, Placement={"Constraints": ["node.role==manager"]})
        change = get_update(compare(BASE, by_hand(BASE, stored)))
        assert change.body["TaskTemplate"] == {**stored["TaskTemplate"], "Placement": {}}


@pytest.mark.parametrize(("version", "fields"), [("20.10.24+dfsg1", 0), ("24.0.7", 0), ("25.0.0", 1), ("", 1)])
def test_what_an_engine_does_not_know_is_no_difference(version: str, fields: int) -> None:
    """20.10 takes a health check with start_interval, and keeps it without."""
    wanted = with_container(BASE, Healthcheck={"Test": ["CMD", "x"], "StartInterval": 5})
    seen = by_hand(wanted, with_container(BASE, Healthcheck={"Test": ["CMD", "x"]}))
    there = make_standing(services=(seen,)).swarm
    found = diff_stacks(CLUSTER, [make_stack("s", wanted)], there, COMMIT, None, Rules(ignore=unknown_fields(version)))
    assert len(found.changes) == fields
