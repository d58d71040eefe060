"""What the swarm has of this cluster and git does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Kept
from deployer.diff.cluster import diff
from deployer.diff.stacks import ObjectSurplus, ServiceSurplus
from deployer.model.cluster import Policy
from tests.literals.desired import ALONE, make_desired, make_source
from tests.literals.live import deploy_object, deploy_service, disown_service, make_foreign
from tests.literals.stacks import make_content, make_network, make_service, make_stack, with_container, with_networks
from tests.literals.swarm import make_standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.diff.change import Diff
    from deployer.model.observed import LiveObject, LiveService
    from deployer.model.stack import StackObjects, StackSource

WEB = make_service("s_web", 1)
OLD = make_service("s_old", 1)


def compare(
    stacks: Sequence[StackObjects],
    services: Sequence[LiveService] = (),
    objects: Sequence[LiveObject] = (),
    *,
    sources: Sequence[StackSource] | None = None,
    policy: Policy | None = None,
) -> Diff:
    cluster = replace(ALONE, policy=policy) if policy else ALONE
    wanted = make_desired(cluster, *(sources if sources is not None else [make_source(one.stack) for one in stacks]))
    return diff(wanted, stacks, make_standing(services=services, objects=objects))


def told(found: Diff) -> list[tuple[str, str, bool, str]]:
    """(kind, name, whole, cause) of what goes."""
    return [
        (getattr(change, "kind", "service"), change.name, change.whole, str(change.cause))
        for change in found.changes
        if isinstance(change, ServiceSurplus | ObjectSurplus)
    ]


def uses(body: dict[str, Any], *networks: str, config: str = "") -> dict[str, Any]:
    body = with_networks(body, *networks)
    return with_container(body, Configs=[{"ConfigName": config}]) if config else body


def version(number: int, *, name: str = "s_site", moment: int | None = None) -> LiveObject:
    """A config whose name says its content."""
    created = f"2026-01-01T00:00:00.{(number if moment is None else moment):09}Z"
    return deploy_object("config", make_content(f"{name}-{number:012x}"), stack="s", created=created)


class TestServices:
    def test_one_that_its_stack_does_not_have_any_more(self) -> None:
        found = compare([make_stack("s", WEB)], [deploy_service(WEB), deploy_service(OLD)])
        assert told(found) == [("service", "s_old", False, "not in git any more")]
        assert found.unchanged == 3  # the machine, its membership, s_web

    def test_a_whole_stack(self) -> None:
        found = compare([make_stack("s", WEB)], [deploy_service(WEB), deploy_service(make_service("t_a", 1))])
        assert told(found) == [("service", "t_a", True, "not in git any more")]

    @pytest.mark.parametrize("labels", [{}, {"deployer.cluster": "production", "deployer.stack": "s"}])
    def test_what_is_not_ours_stays(self, labels: dict[str, str]) -> None:
        theirs = disown_service(deploy_service(OLD), labels)
        assert told(compare([make_stack("s", WEB)], [deploy_service(WEB), theirs])) == []

    def test_nothing_goes_where_the_cluster_says_so(self) -> None:
        found = compare([make_stack("s", WEB)], [deploy_service(WEB), deploy_service(OLD)], policy=Policy(prune=False))
        assert told(found) == []
        assert found.kept == (Kept("service s_old", "`policy: {prune: false}`"),)

    def test_nor_where_the_stack_does(self) -> None:
        keeping = make_source("s", prune=False)
        found = compare(
            [make_stack("s", WEB)],
            [deploy_service(WEB), deploy_service(OLD), deploy_service(make_service("t_a"))],
            sources=[keeping],
        )
        assert told(found) == [("service", "t_a", True, "not in git any more")]
        assert found.kept == (Kept("service s_old", "`x-deployer: {prune: false}`"),)

    def test_nor_before_what_is_in_the_way_of_its_stack_is_mended(self) -> None:
        """A whole stack waits for all others: one of them may be to take its place."""
        broken = make_stack("s", WEB, external=(("network", "nowhere"),))
        found = compare([broken], [deploy_service(WEB), deploy_service(OLD), deploy_service(make_service("t_a"))])
        assert told(found) == []
        reason = "not before what is said of stack s is mended"
        assert found.kept == (Kept("service s_old", reason), Kept("service t_a", reason))

    def test_one_that_holds_a_port_goes_first(self) -> None:
        port = {"Ports": [{"TargetPort": 80, "PublishedPort": 80}]}
        found = compare(
            [make_stack("s", make_service("s_new", 1, EndpointSpec=port))],
            [deploy_service(make_service("s_old", 1, EndpointSpec=port))],
        )
        (gone,) = [change for change in found.changes if isinstance(change, ServiceSurplus)]
        assert gone.room_for == "s_new"


class TestNetworks:
    def test_one_that_nothing_uses(self) -> None:
        found = compare([make_stack("s", WEB)], [deploy_service(WEB)], [deploy_object("network", make_network("s_n"))])
        assert told(found) == [("network", "s_n", False, "not in git any more")]

    def test_the_services_on_it_go_first(self) -> None:
        on_it = deploy_service(uses(OLD, "id-s_n"))
        found = compare(
            [make_stack("s", WEB)], [deploy_service(WEB), on_it], [deploy_object("network", make_network("s_n"))]
        )
        assert [name for _, name, _, _ in told(found)] == ["s_old", "s_n"]

    def test_somebody_elses_service_is_on_it(self) -> None:
        theirs = disown_service(deploy_service(uses(make_service("x_y", 1), "id-s_n")))
        found = compare(
            [make_stack("s", WEB)], [deploy_service(WEB), theirs], [deploy_object("network", make_network("s_n"))]
        )
        assert told(found) == []
        assert found.kept == (Kept("network s_n", "service x_y uses it"),)

    def test_another_stack_calls_it_external(self) -> None:
        wanting = make_stack("s", WEB, external=(("network", "t_n"),))
        found = compare([wanting], [deploy_service(WEB)], [deploy_object("network", make_network("t_n"))])
        assert told(found) == []
        assert found.kept == (Kept("network t_n", "stack s uses it"),)

    def test_somebody_elses_stays(self) -> None:
        assert (
            told(compare([make_stack("s", WEB)], [deploy_service(WEB)], [make_foreign("network", make_network("x"))]))
            == []
        )


class TestRotation:
    NOW = f"s_site-{9:012x}"

    def of(self, *there: LiveObject, services: Sequence[LiveService] = ()) -> list[str]:
        body = uses(WEB, config=self.NOW)
        found = compare(
            [make_stack("s", body, configs=(make_content(self.NOW),))], [deploy_service(body), *services], there
        )
        assert {cause for _, _, _, cause in told(found)} <= {str(Cause.SUPERSEDED)}
        return [name for _, name, _, _ in told(found)]

    def test_the_last_three_stay(self) -> None:
        assert self.of(*(version(number) for number in (1, 2, 3, 9))) == []
        assert self.of(*(version(number) for number in (1, 2, 3, 4, 5, 9))) == [version(1).name, version(2).name]

    def test_last_is_a_matter_of_time_and_not_of_names(self) -> None:
        there = [version(number, moment=100 - number) for number in (1, 2, 3, 4)]
        assert self.of(*there, version(9)) == [version(4).name]

    def test_one_that_is_used_stays(self) -> None:
        user = disown_service(deploy_service(uses(make_service("x_y", 1), config=version(1).name)))
        assert self.of(*(version(number) for number in (1, 2, 3, 4, 5, 9)), services=[user]) == [version(2).name]

    def test_each_name_has_three_of_its_own(self) -> None:
        others = [version(number, name="s_other") for number in (1, 2, 3)]
        found = compare([make_stack("s", WEB)], [deploy_service(WEB)], others)
        assert [cause for _, _, _, cause in told(found)] == ["not in git any more"] * 3

    def test_the_one_that_the_plan_moves_a_service_away_from_is_one_of_them(self) -> None:
        before, now = uses(WEB, config=version(5).name), uses(WEB, config=self.NOW)
        there = [version(number) for number in (1, 2, 3, 4, 5)]
        found = compare([make_stack("s", now, configs=(make_content(self.NOW),))], [deploy_service(before)], there)
        assert [name for _, name, _, _ in told(found)] == [version(1).name, version(2).name]
