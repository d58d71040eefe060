"""Who is in the swarm, as what; and never a second swarm."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Diff
from deployer.diff.swarm import MemberDiffers, NoSwarm, NotMember, StaleMember, diff_swarm
from deployer.model.cluster import Node
from deployer.model.field import Field
from deployer.model.observed import Engine, Machine, Member, Silent, Swarm, Unreachable
from tests.decisions import get_change, list_reasons
from tests.literals.desired import make_cluster, make_node
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.swarm import change_member, make_member, make_observed, make_standing, make_swarm

if TYPE_CHECKING:
    from deployer.diff.changes import Change

MASTER = make_node("master", "manager")
SLAVE = make_node("slave")
IN_MASTER = make_machine("10.0.0.2", make_engine("n-master", manager=True))
IN_SLAVE = make_machine("10.0.0.3", make_engine("n-slave"))
LEADER = make_member("n-master", "manager")
BOTH = make_swarm(LEADER, make_member("n-slave"))


def compare(
    master: Machine | Unreachable = IN_MASTER,
    slave: Machine | Unreachable = IN_SLAVE,
    seen: Swarm | None = BOTH,
    *,
    wanted: Node = SLAVE,
) -> Diff:
    """`wanted` is what git says of the slave."""
    return diff_swarm(make_cluster(MASTER, wanted), make_observed({"master": master, "slave": slave}, seen))


class TestMembership:
    def test_both_in(self) -> None:
        assert compare() == Diff((), (), 2)

    @pytest.mark.parametrize("there", [make_engine(), None], ids=["engine", "engine yet to be installed"])
    def test_none_yet_the_first_manager_starts_it(self, there: Engine | None) -> None:
        found = compare(make_machine("10.0.0.2", there), make_machine("10.0.0.3", there), None)
        assert found == Diff((NoSwarm("master", "10.0.0.2"), NotMember("slave", "worker", "10.0.0.3")), (), 0)

    def test_one_joins(self) -> None:
        found = compare(slave=make_machine("10.0.0.3", make_engine()), seen=make_swarm(LEADER))
        assert found == Diff((NotMember("slave", "worker", "10.0.0.3"),), (), 1)

    def test_one_that_left_joins_again_though_its_old_entry_is_still_listed(self) -> None:
        found = compare(slave=make_machine("10.0.0.3", make_engine()))
        assert found.changes == (NotMember("slave", "worker", "10.0.0.3"),)

    def test_the_first_manager_by_name_that_can_starts_it(self) -> None:
        nodes = make_cluster(
            make_node("a", "manager", install="none"), make_node("b", "manager"), make_node("c", "manager")
        )
        found = diff_swarm(nodes, make_observed(dict.fromkeys("abc", make_machine())))
        assert found.changes == (NoSwarm("b", "10.0.0.1"), NotMember("c", "manager", "10.0.0.1"))

    def test_no_manager_can_start_it(self) -> None:
        nodes = make_cluster(make_node("a", "manager", install="none"), make_node("b"))
        found = diff_swarm(nodes, make_observed(dict.fromkeys("ab", make_machine())))
        assert not found.changes
        assert list_reasons(found) == [("swarm", "none of the machines that are to be managers can start it")]

    @pytest.mark.parametrize(
        "slave",
        [make_machine(engine=Silent("x")), make_machine(privileged=False), make_machine(daemon_json="{")],
        ids=["silent", "no sudo to install an engine with", "daemon.json that would keep an engine from starting"],
    )
    def test_a_machine_without_a_usable_engine_is_not_joined(self, slave: Machine) -> None:
        assert compare(slave=slave) == Diff((), (), 1)

    def test_without_an_address_a_machine_is_blocked_and_the_others_go_on(self) -> None:
        lost = make_machine(interfaces=(("lo", "127.0.0.1"), ("ens3", "10.0.0.3")), engine=make_engine())
        found = compare(make_machine("10.0.0.2", make_engine()), lost, None)
        assert found.changes == (NoSwarm("master", "10.0.0.2"),)
        assert list_reasons(found) == [("slave", "it has no interface eth0, so the other machines cannot reach it")]

    def test_a_machine_in_another_swarm_is_left_there(self) -> None:
        found = compare(slave=make_machine("10.0.0.3", make_engine("n-elsewhere")))
        assert found.changes == ()
        assert list_reasons(found) == [("slave", "it is in a swarm that is not this cluster's")]

    @pytest.mark.parametrize("state", ["pending", "locked", "error"])
    def test_a_machine_that_is_half_in_is_told_as_that(self, state: str) -> None:
        found = compare(slave=make_machine("10.0.0.3", make_engine(state=state)))
        assert found.changes == ()
        assert list_reasons(found) == [("slave", f"its engine calls its place in the swarm {state}")]

    def test_members_that_git_does_not_know_are_left_alone(self) -> None:
        assert compare(seen=make_swarm(*BOTH.members, make_member("n-other", "manager"))) == Diff((), (), 2)

    def test_a_machine_that_git_keeps_out_and_that_is_in_is_told(self) -> None:
        found = compare(wanted=make_node("slave", "none"))
        assert found.changes == ()
        assert list_reasons(found) == [("slave", "it is in the swarm, and git says `swarm: none`")]

    def test_the_other_swarm_of_a_machine_that_git_keeps_out_is_its_own_business(self) -> None:
        elsewhere = make_machine("10.0.0.3", make_engine("n-x", manager=True, swarm="other"))
        assert compare(slave=elsewhere, wanted=make_node("slave", "none")) == Diff((), (), 1)

    def test_no_machine_is_wanted(self) -> None:
        assert diff_swarm(make_cluster(make_node("a", "none")), make_observed({"a": make_machine()})) == Diff((), (), 0)


class TestNeverASecondSwarm:
    def nothing_but(self, subject: str, reason: str, found: Diff) -> Blocked:
        assert found.changes == ()
        assert (subject, reason) in list_reasons(found)
        return found.blocked[-1]

    def test_while_a_manager_is_unreachable(self) -> None:
        found = compare(DOWN, make_machine(engine=make_engine()), None)
        told = self.nothing_but(
            "swarm", "whether there is one cannot be told while manager master is unreachable", found
        )
        assert told.unreachable

    def test_while_one_of_two_managers_is_unreachable(self) -> None:
        nodes = make_cluster(make_node("a", "manager"), make_node("b", "manager"))
        found = diff_swarm(nodes, make_observed({"a": make_machine(engine=make_engine()), "b": DOWN}))
        self.nothing_but("swarm", "whether there is one cannot be told while manager b is unreachable", found)

    @pytest.mark.parametrize("silent", ["a", "b"])
    def test_while_a_managers_engine_is_silent(self, silent: str) -> None:
        nodes = make_cluster(make_node("a", "manager"), make_node("b", "manager"))
        machines = {"a": make_machine(engine=make_engine()), "b": make_machine(engine=make_engine())} | {
            silent: make_machine(engine=Silent("x"))
        }
        self.nothing_but(
            "swarm",
            f"whether there is one cannot be told while the engine of manager {silent} does not answer",
            diff_swarm(nodes, make_observed(machines)),
        )

    @pytest.mark.parametrize("state", ["active", "pending", "locked", "error"])
    def test_while_a_machine_is_in_one_without_a_manager(self, state: str) -> None:
        found = compare(
            make_machine(engine=make_engine()), make_machine(engine=make_engine("n-slave", state=state)), None
        )
        self.nothing_but(
            "swarm", f"slave is in a swarm ({state}) of which no reachable machine is a working manager", found
        )

    @pytest.mark.parametrize("left", ["m1", "m2", "m3"])
    def test_a_quorum_that_is_lost_is_told_alike_whichever_manager_is_left(self, left: str) -> None:
        """The advice for the first one by name was `docker swarm leave --force`, which deletes the last copy of the swarm."""
        nodes = make_cluster(*(make_node(name, "manager") for name in ("m1", "m2", "m3")), make_node("w1"))
        alone = make_machine(engine=make_engine(f"n-{left}", manager=True))
        found = diff_swarm(
            nodes, make_observed({**dict.fromkeys(("m1", "m2", "m3"), DOWN), left: alone, "w1": make_machine()})
        )
        gone = " and ".join(name for name in ("m1", "m2", "m3") if name != left)
        told = self.nothing_but("swarm", f"1 of 3 managers answers, and 2 are needed: not {gone}", found)
        assert told.help == f"bring {gone} back; if they are gone for good: deployer swarm recover {left}"
        assert told.unreachable
        assert "leave" not in told.help

    def test_a_worker_alone_is_told_which_managers_are_missing(self) -> None:
        found = compare(DOWN, make_machine(engine=make_engine("n-slave")), None)
        told = self.nothing_but("swarm", "0 of 1 manager answer, and 1 is needed: not master", found)
        assert (told.help, told.unreachable) == ("bring master back", True)

    def test_enough_managers_without_a_leader(self) -> None:
        nodes = make_cluster(*(make_node(name, "manager") for name in ("m1", "m2", "m3")))
        there = {name: make_machine(engine=make_engine(f"n-{name}", manager=True)) for name in ("m1", "m2")}
        found = diff_swarm(nodes, make_observed({**there, "m3": make_machine(engine=Silent("x"))}))
        told = self.nothing_but("swarm", "2 of 3 managers answer and elected no leader yet; m3 does not answer", found)
        assert not told.unreachable

    def test_no_machine_is_a_manager(self) -> None:
        found = diff_swarm(make_cluster(SLAVE), make_observed({"slave": make_machine(engine=make_engine())}))
        self.nothing_but("swarm", "no machine is a manager", found)

    def test_managers_of_two_swarms(self) -> None:
        nodes = make_cluster(make_node("a", "manager"), MASTER)
        machines = {"a": make_machine(engine=make_engine("n-a", manager=True, swarm="other")), "master": IN_MASTER}
        found = diff_swarm(nodes, make_observed(machines, make_swarm(make_member("n-a", "manager"), via="a")))
        self.nothing_but("swarm", "a and master are managers of different swarms", found)

    def test_an_unreachable_worker_keeps_nobody_from_starting_one(self) -> None:
        found = compare(make_machine(engine=make_engine()), DOWN, None)
        assert found.changes == (NoSwarm("master", "10.0.0.1"),)


class TestMember:
    @pytest.mark.parametrize(
        ("role", "field"),
        [("worker", Field("role", "manager", "worker")), ("manager", Field("role", "worker", "manager"))],
    )
    def test_role(self, role: str, field: Field) -> None:
        wanted = make_node("slave", "worker" if role == "worker" else "manager")
        is_now = make_member("n-slave", "manager" if role == "worker" else "worker")
        change = get_change(compare(seen=make_swarm(LEADER, is_now), wanted=wanted), MemberDiffers)
        assert change.fields == (field,)
        assert change.cause is Cause.CHANGED

    def test_availability(self) -> None:
        change = get_change(compare(wanted=make_node("slave", availability="drain")), MemberDiffers)
        assert change.fields == (Field("availability", "active", "drain"),)
        assert change.availability == "drain"

    @pytest.mark.parametrize("labels", [{}, {"zone": "a"}])
    def test_a_machine_that_joins_is_drained_and_labelled_in_a_step_of_its_own(self, labels: dict[str, str]) -> None:
        wanted = make_node("slave", availability="drain", labels=labels)
        found = compare(slave=make_machine(engine=make_engine()), wanted=wanted)
        kinds: list[type[Change]] = [type(change) for change in found.changes]
        assert kinds == [NotMember, MemberDiffers]
        assert found.changes[1].cause is Cause.NOT_FOUND

    def compare_labels(self, wanted: Mapping[str, str], present: Mapping[str, str]) -> Diff:
        seen = make_swarm(LEADER, make_member("n-slave", labels=present))
        return compare(seen=seen, wanted=make_node("slave", labels=wanted))

    @pytest.mark.parametrize(
        ("wanted", "present", "written"),
        [
            pytest.param({"zone": "a"}, {}, {"zone": "a", "deployer.labels": "zone"}, id="new"),
            pytest.param(
                {"zone": "b"},
                {"zone": "a", "deployer.labels": "zone"},
                {"zone": "b", "deployer.labels": "zone"},
                id="changed",
            ),
            pytest.param(
                {"zone": "a"},
                {"zone": "a", "disk": "ssd", "deployer.labels": "disk,zone"},
                {"zone": "a", "deployer.labels": "zone"},
                id="taken out of git",
            ),
            pytest.param({}, {"zone": "a", "deployer.labels": "zone"}, {}, id="the last one taken out of git"),
            pytest.param(
                {"zone": "a"},
                {"by-hand": "1"},
                {"by-hand": "1", "zone": "a", "deployer.labels": "zone"},
                id="somebody else's stay",
            ),
            pytest.param(
                {}, {"by-hand": "1", "zone": "a", "deployer.labels": "zone"}, {"by-hand": "1"}, id="and stay after ours"
            ),
            pytest.param(
                {"zone": "a"}, {"zone": "a"}, {"zone": "a", "deployer.labels": "zone"}, id="an equal one becomes ours"
            ),
        ],
    )
    def test_labels(self, wanted: dict[str, str], present: dict[str, str], written: dict[str, str]) -> None:
        change = get_change(self.compare_labels(wanted, present), MemberDiffers)
        assert change.labels == written | {"deployer.cluster": "sandbox", "deployer.node": "slave"}
        assert "deployer." not in str(change.fields)

    def test_whose_it_is_is_written_on_one_that_an_older_run_made_a_member(self) -> None:
        unmarked = make_member("n-slave", marked=False)
        change = get_change(compare(seen=make_swarm(LEADER, unmarked)), MemberDiffers)
        assert (change.labels, change.fields) == ({"deployer.cluster": "sandbox", "deployer.node": "slave"}, ())

    @pytest.mark.parametrize(
        ("wanted", "present"),
        [
            pytest.param({}, {}, id="none"),
            pytest.param({}, {"by-hand": "1"}, id="only somebody else's"),
            pytest.param({"b": "2", "a": "1"}, {"a": "1", "b": "2", "x": "3", "deployer.labels": "a,b"}, id="in order"),
        ],
    )
    def test_labels_in_order(self, wanted: dict[str, str], present: dict[str, str]) -> None:
        assert self.compare_labels(wanted, present).changes == ()


class TestMajority:
    """A manager is never removed below quorum."""

    def managers(self, wanted: str, is_now: str, *, down: str = "", joining: str = "") -> Diff:
        """Machines a to e: those in `wanted` are to be managers, those in `is_now` are, those in `down` do not answer."""
        nodes = make_cluster(*(make_node(name, "manager" if name in wanted else "worker") for name in "abcde"))
        workers = [name for name in "abcde" if name not in is_now + joining]
        seen = make_standing(is_now, workers, others=joining, machines=dict.fromkeys(down, DOWN))
        for name in down:
            seen = change_member(seen, f"n-{name}", state="down")
        return diff_swarm(nodes, seen)

    @pytest.mark.parametrize(
        ("wanted", "is_now", "parts"),
        [
            pytest.param("a", "abc", {}, id="three to one"),
            pytest.param("b", "a", {}, id="the only one hands over"),
            pytest.param("e", "a", {"joining": "e"}, id="to one that joins"),
            pytest.param("abc", "abcd", {"down": "c"}, id="two of three answer"),
        ],
    )
    def test_enough_are_left(self, wanted: str, is_now: str, parts: dict[str, str]) -> None:
        found = self.managers(wanted, is_now, **parts)
        demoted = {
            change.node for change in found.changes if isinstance(change, MemberDiffers) and change.turns == "worker"
        }
        assert demoted == set(is_now) - set(wanted)

    @pytest.mark.parametrize(
        ("wanted", "is_now", "parts"),
        [
            pytest.param("ab", "abc", {"down": "b"}, id="one of two answers"),
            pytest.param("abcd", "abcde", {"down": "cd"}, id="two of four answer"),
        ],
    )
    def test_too_few_would_be_left(self, wanted: str, is_now: str, parts: dict[str, str]) -> None:
        found = self.managers(wanted, is_now, **parts)
        assert not [change for change in found.changes if isinstance(change, MemberDiffers)]
        (stays,) = set(is_now) - set(wanted)
        assert (
            stays,
            "it is to be a worker, and too few managers would be left for the swarm to take orders",
        ) in list_reasons(found)

    def test_the_only_one_stays_while_its_successor_is_silent(self) -> None:
        nodes = make_cluster(make_node("a"), make_node("b", "manager"))
        found = diff_swarm(nodes, make_standing("a", machines={"b": make_machine(engine=Silent("x"))}))
        assert found.changes == ()
        assert [subject for subject, _ in list_reasons(found)] == ["a"]


class TestInstalledAnew:
    """The same machine, another engine: its old entry in the managers' list goes."""

    ANEW = make_machine("10.0.0.3", make_engine())

    @pytest.mark.parametrize("role", ["worker", "manager"])
    def test_the_old_entry_of_its_name_goes(self, role: str) -> None:
        old = make_member("n-old", role, state="down", hostname="slave")
        found = compare(slave=self.ANEW, seen=make_swarm(LEADER, old))
        assert found.changes == (
            NotMember("slave", "worker", "10.0.0.3"),
            StaleMember("slave", "n-old", manager=role == "manager"),
        )

    def test_or_of_its_address(self) -> None:
        old = make_member("n-old", state="down", hostname="localhost", address="10.0.0.3")
        assert StaleMember("slave", "n-old") in compare(slave=self.ANEW, seen=make_swarm(LEADER, old)).changes

    @pytest.mark.parametrize(
        "other",
        [
            make_member("n-old", hostname="slave"),
            make_member("n-old", state="down", hostname="slave3", address="10.0.0.9"),
            make_member("n-master", "manager", state="down", hostname="slave"),
        ],
        ids=["not down", "another machine's", "one that answers"],
    )
    def test_nothing_else_does(self, other: Member) -> None:
        members = [one for one in (LEADER, other) if one is other or one.id != other.id]
        found = compare(slave=self.ANEW, seen=make_swarm(*members))
        assert not [change for change in found.changes if isinstance(change, StaleMember)]


@pytest.mark.parametrize(
    ("ahead", "words"), [(86_400.0, "24 h ahead"), (-7200.0, "2 h behind"), (1801.0, "30 min ahead")]
)
def test_nobody_joins_with_a_clock_that_is_off(ahead: float, words: str) -> None:
    off = make_machine("10.0.0.3", make_engine(), clock_ahead=ahead)
    found = compare(slave=off, seen=make_swarm(LEADER))
    assert not found.changes
    assert list_reasons(found) == [
        ("slave", f"its clock is {words}: certificates and signed packages are not valid there")
    ]
    assert compare(slave=replace(IN_SLAVE, clock_ahead=ahead)) == Diff((), (), 2), "who is a member stays one"
