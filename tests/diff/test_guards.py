"""What is refused before the first write, whichever way it comes in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.diff.change import Diff
from deployer.diff.consul import EntrySurplus
from deployer.diff.guards import concerning, deployed_commits, refusals, removals
from deployer.diff.machines import ContainerSurplus
from deployer.diff.stacks import ObjectSurplus, ServiceSurplus
from deployer.diff.swarm import MemberSurplus
from deployer.errors import UsageError
from deployer.model.cluster import Policy
from deployer.model.consent import Consent
from deployer.model.history import Deployed, Place
from tests.literals.desired import ALONE, COMMIT, EARLIER, make_desired, make_source
from tests.literals.live import deploy_service, disown_service
from tests.literals.stacks import make_service
from tests.literals.swarm import make_standing

if TYPE_CHECKING:
    from deployer.diff.changes import Change

GONE = ObjectSurplus("config", "s", "s_c-0123456789ab", "id")


def going(*names: str, whole: bool = False) -> list[ServiceSurplus]:
    """Services; of stacks that go as a whole."""
    found = [deploy_service(make_service(name, 1)) for name in names]
    return [ServiceSurplus(one.name.partition("_")[0], one.name, one, whole=whole) for one in found]


def refused(
    *changes: Change, alive: int = 10, stacks: int = 1, consent: Consent | None = None, limit: int = 3,
    deployed: Deployed | None = None,
) -> list[str]:  # fmt: skip
    """The reasons. `alive` services of as many stacks live; git has `stacks`."""
    cluster = replace(ALONE, policy=Policy(max_removals=limit))
    wanted = make_desired(cluster, *(make_source(f"k{n}") for n in range(stacks)))
    seen = make_standing(services=[deploy_service(make_service(f"t{number}_x", 1)) for number in range(alive)])
    found = refusals(changes, wanted, seen, deployed, consent or Consent())
    assert all("--allow-delete " in one.help or "--replaces " in one.help for one in found)
    return [one.reason for one in found]


class TestRemovals:
    def test_a_stack_counts_once_and_configs_do_not_count(self) -> None:
        network = ObjectSurplus("network", "t", "t_n", "id", whole=True)
        names = [(one.kind, one.name) for one in removals([*going("t_a", "t_b", whole=True), network, GONE])]
        assert names == [("stack", "t")]

    def test_machines_by_name(self) -> None:
        changes: list[Change] = [MemberSurplus("m9", "id", "worker", "ready"), EntrySurplus("m9", "consul")]
        changes.append(ContainerSurplus("m1", "deployer-consul", "Consul"))
        changes.append(ContainerSurplus("m2", "deployer-registrator", "registrator"))
        assert [(one.kind, one.name) for one in removals(changes)] == [("Consul", "m1"), ("machine", "m9")]


class TestAmounts:
    def test_one_always_may(self) -> None:
        assert refused(*going("t0_x", whole=True), alive=1) == []
        assert refused(*going("t0_x", whole=True), alive=2) == []

    def test_more_than_a_fifth_may_not(self) -> None:
        two = going("t0_x", "t1_x", whole=True)
        assert refused(*two, alive=10) == []
        assert refused(*two, alive=9) == ["2 of 9 stacks would be removed, which is more than a fifth: t0, t1"]

    def test_nor_more_than_the_policy_says(self) -> None:
        four = going("t0_a", "t0_b", "t0_c", "t0_d")
        words = "service t0_a, service t0_b, service t0_c, service t0_d"
        assert refused(*four, alive=100) == [f"4 would be removed at once, and policy.max_removals is 3: {words}"]
        assert refused(*four, alive=100, limit=4) == []
        assert refused(*going("t0_a"), limit=0) != []

    def test_nor_every_stack(self) -> None:
        assert refused(*going("t0_x", whole=True), alive=1, stacks=0) == ["no stack would remain (stack t0)"]

    def test_what_is_named_may(self) -> None:
        five = going("t0_x", "t1_x", "t2_x", "t3_x", "t4_x", whole=True)
        every = frozenset({"t0", "t1", "t2", "t3", "t4"})
        assert refused(*five, alive=5, stacks=0, consent=Consent(every)) == []
        assert refused(*five, alive=5, stacks=0, consent=Consent(every - {"t4"})) == [
            "no stack would remain (stack t4)"
        ]
        assert refused(*five, alive=10, consent=Consent(every - {"t4"})) == []

    @pytest.mark.parametrize(
        ("name", "help_"),
        [("t0_y", "did you mean 't0_x'?"), ("yes", "what would be: t0_x"), ("*", "what would be: t0_x")],
    )
    def test_a_name_that_is_none_of_them_is_a_mistake(self, name: str, help_: str) -> None:
        with pytest.raises(UsageError) as error:
            refused(*going("t0_x"), consent=Consent(frozenset({name})))
        assert error.value.help == help_

    def test_so_it_is_where_nothing_would_be_removed(self) -> None:
        with pytest.raises(UsageError, match="nothing that is called 'web' would be removed"):
            refused(consent=Consent(frozenset({"web"})))


class TestHistory:
    @pytest.mark.parametrize(
        ("place", "reason"),
        [
            ("older", "0123456789 is older than fedcba9876, which is deployed"),
            ("unrelated", "0123456789 and fedcba9876, which is deployed, have no commit in common"),
            ("missing", "fedcba9876 is deployed, and this repository does not have it: it may be newer"),
        ],
    )
    def test_a_commit_that_does_not_follow(self, place: Place, reason: str) -> None:
        deployed = Deployed(EARLIER, place)
        assert refused(GONE, deployed=deployed) == [reason]
        assert refused(GONE, deployed=deployed, consent=Consent(replaces=EARLIER[:10])) == []
        assert refused(GONE, deployed=deployed, consent=Consent(going_back=True)) == []
        for wrong in ("", EARLIER[:6], COMMIT, "yes"):
            assert refused(GONE, deployed=deployed, consent=Consent(replaces=wrong)) == [reason]

    def test_one_that_follows_and_none_at_all(self) -> None:
        assert refused(GONE, deployed=Deployed(EARLIER, "follows")) == []
        assert refused(GONE, deployed=None) == []

    def test_labels_tell_what_is_deployed(self) -> None:
        theirs = disown_service(deploy_service(make_service("x_y", 1)), {"deployer.commit": "a" * 40})
        earlier, now = deploy_service(make_service("s_a", 1)), deploy_service(make_service("s_b", 1), commit=COMMIT)
        assert deployed_commits(make_standing(services=(earlier, now, theirs)), "sandbox") == (COMMIT, EARLIER)


def test_what_concerns_one_stack_only() -> None:
    changes: tuple[Change, ...] = (*going("t0_x", "t1_x", whole=True), MemberSurplus("m9", "id", "worker", "ready"))
    assert concerning(Diff(changes), ()) == changes
    assert concerning(Diff(changes), ("t1",)) == (changes[1],)
