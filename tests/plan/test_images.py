"""Steps that build images and bring them to machines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.diff.images import wanted_builds, with_digests
from deployer.model.build import Build, BuiltImage
from deployer.plan.images import BuildStackImage
from deployer.plan.text import plan_text
from tests.decisions import decide
from tests.literals.desired import make_cluster, make_desired, make_node, make_source
from tests.literals.live import deploy_service
from tests.literals.machines import make_machine
from tests.literals.stacks import make_service, make_stack, with_template
from tests.literals.swarm import make_observed, make_standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.observed import LiveService, Observed
    from deployer.plan.steps import Plan

LOCAL, PUSHED = "localhost/shop/web:ab", "r.example/web:ab"
CLUSTER = make_cluster(make_node("m", "manager"), make_node("w1"), make_node("w2"))
FILES = (("app/Dockerfile", b"FROM x"), ("app/run.sh", b"#!"), ("compose.yaml", b""))
SHOP = replace(make_source("shop"), files=FILES, executable=("app/run.sh",))


def seen(*services: LiveService) -> Observed:
    return make_standing(("m",), ("w1", "w2"), services=services)


def planned(image: str, live: Observed, built: Mapping[str, BuiltImage], **placement: object) -> Plan:
    build = Build(image, "shop", "shop_web", "app", ("app/run.sh",), "app/Dockerfile")
    desired = make_desired(CLUSTER, SHOP)
    stacks = [make_stack("shop", body(image, **placement), builds=(build,))]
    pinned = with_digests(desired, stacks, live, {})
    assert set(built) <= {one.image for one in wanted_builds(pinned, live)}
    return decide(desired, live, pinned, built)


def body(image: str, **placement: object) -> dict[str, object]:
    made = make_service("shop_web", image=image)
    return with_template(made, Placement=placement) if placement else made


def lines(plan: Plan) -> list[str]:
    return [line for line in plan_text(plan).splitlines() if line[:1] in {"+", "~", "."}]


def test_built_once_and_sent_to_where_it_may_run() -> None:
    plan = planned(LOCAL, seen(), {})
    assert lines(plan) == [
        "+ #1 shop: build localhost/shop/web:ab on m (not found)",
        "+ #2 shop: send localhost/shop/web:ab from m to w1 (not found)",
        "+ #3 shop: send localhost/shop/web:ab from m to w2 (not found)",
        "+ #4 shop_web: create service, 1 replica (not found)",
        ". #5 shop: wait up to 180 s for shop_web",
    ]
    assert [step.needs for step in plan.steps[:4]] == [(), (1,), (1,), (1, 2, 3)]
    first = plan.steps[0].operation
    assert isinstance(first, BuildStackImage)
    assert [(one.path, one.data, one.executable) for one in first.files] == [("run.sh", b"#!", True)]
    assert first.dockerfile == b"FROM x"


def test_what_has_it_gives_it_and_only_what_may_run_it_gets_it() -> None:
    live = seen(deploy_service(body(LOCAL)))
    assert lines(planned(LOCAL, live, {LOCAL: BuiltImage(frozenset({"w1", "m"}))})) == [
        "+ #1 shop: send localhost/shop/web:ab from m to w2 (not found)"
    ]
    assert planned(LOCAL, live, {LOCAL: BuiltImage(frozenset({"m", "w1", "w2"}))}).empty
    only = {"Constraints": ["node.hostname == w2"]}
    assert lines(planned(LOCAL, seen(), {LOCAL: BuiltImage(frozenset({"w2"}))}, **only)) == [
        "+ #1 shop_web: create service, 1 replica (not found)",
        ". #2 shop: wait up to 180 s for shop_web",
    ]


def test_a_registry_gets_it_once() -> None:
    assert lines(planned(PUSHED, seen(), {}))[:3] == [
        "+ #1 shop: build r.example/web:ab on m (not found)",
        "+ #2 shop: push r.example/web:ab from m (not found)",
        "+ #3 shop_web: create service, 1 replica (not found)",
    ]
    assert lines(planned(PUSHED, seen(), {PUSHED: BuiltImage(pushed=True)}))[0].startswith("+ #1 shop_web: create")
    assert lines(planned(PUSHED, seen(), {PUSHED: BuiltImage(frozenset({"w1"}))}))[0] == (
        "+ #1 shop: push r.example/web:ab from w1 (not found)"
    )
    assert planned(PUSHED, seen(deploy_service(body(PUSHED))), {}).empty


def test_on_bare_machines_everything_is_to_come() -> None:
    bare = make_observed(dict.fromkeys(("m", "w1", "w2"), make_machine()))
    told = lines(planned(LOCAL, bare, {}))
    build = next(number for number, line in enumerate(told) if "build localhost" in line)
    assert [line.partition(": ")[2] for line in told[build : build + 3]] == [
        "build localhost/shop/web:ab on m (not found)",
        "send localhost/shop/web:ab from m to w1 (not found)",
        "send localhost/shop/web:ab from m to w2 (not found)",
    ]
    assert max(number for number, line in enumerate(told) if "install" in line or "join" in line) < build
