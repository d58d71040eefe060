"""What is missing and was there: somebody's hand, not git."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from deployer.diff.cause import Cause
from deployer.diff.change import Diff
from deployer.diff.cluster import diff
from deployer.diff.gone import REMOVED, missing_stacks, with_gone
from deployer.diff.stacks import ServiceMissing
from deployer.diff.status import status
from tests.literals.desired import ALONE, make_desired, make_source
from tests.literals.live import deploy_service, disown_service
from tests.literals.stacks import make_service, make_stack
from tests.literals.swarm import make_standing

if TYPE_CHECKING:
    from deployer.model.desired import Desired

WEB, API = make_service("s_web"), make_service("s_api")
LACKS = Diff((ServiceMissing("s", "s_web", WEB),), (), 0)
STANDING = make_standing(services=(deploy_service(API),))


def wanted(drift: Literal["correct", "report"] | None = None) -> Desired:
    return make_desired(ALONE, make_source("s", drift=drift))


def test_it_has_drifted_where_nothing_changed_in_git_since() -> None:
    (change,) = with_gone(LACKS, wanted(), {"s"}).changes
    assert change == replace(LACKS.changes[0], cause=Cause.DRIFTED)
    assert with_gone(LACKS, wanted(), {"other"}) == LACKS
    assert with_gone(LACKS, wanted(), frozenset()) == LACKS


def test_it_is_left_where_drift_is_only_reported() -> None:
    found = with_gone(LACKS, wanted("report"), {"s"})
    assert found.changes == ()
    assert [(one.stack, one.name, one.fields) for one in found.drifted] == [("s", "s_web", (REMOVED,))]


def test_a_swarm_without_anything_of_ours_is_new() -> None:
    assert missing_stacks(LACKS, STANDING) == {"s"}
    assert missing_stacks(LACKS, make_standing()) == frozenset()
    foreign = disown_service(deploy_service(make_service("x_y")))
    assert missing_stacks(LACKS, make_standing(services=(foreign,))) == frozenset()
    assert missing_stacks(LACKS, replace(STANDING, swarm=None)) == frozenset()


def test_the_status_says_it() -> None:
    objects = [make_stack("s", WEB, API)]
    for drift in ("correct", "report"):
        found = with_gone(diff(wanted(drift), objects, STANDING), wanted(drift), {"s"})
        shown = status(wanted(drift), objects, STANDING, found).stacks[0]
        web = next(one for one in shown.services if one.name == "s_web")
        assert (shown.sync, web.health, web.note, web.drift) == ("OutOfSync", "Missing", "removed by hand", (REMOVED,))
