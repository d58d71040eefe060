"""Services and what they refer to: missing, changed, drifted, not ours, unsettled."""

from dataclasses import replace
from typing import Any

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Diff
from deployer.diff.changes import Change
from deployer.diff.stacks import (
    NetworkReplaced,
    ObjectMissing,
    ServiceDiffers,
    ServiceMissing,
    ServiceReplaced,
    ServiceUnsettled,
    diff_stacks,
)
from deployer.model.field import Field
from deployer.model.observed import LiveObject, LiveService
from tests.decisions import get_update, list_reasons
from tests.literals.desired import CLUSTER, COMMIT, EARLIER
from tests.literals.live import change_by_hand, deploy_object, deploy_service, disown_service, make_foreign
from tests.literals.stacks import (
    make_content,
    make_network,
    make_service,
    make_stack,
    with_container,
    with_networks,
    with_template,
)
from tests.literals.swarm import make_member, make_standing, make_swarm

WEB = make_service("s_web", 3)


def compare(body: dict[str, Any], *services: LiveService, objects: tuple[LiveObject, ...] = (), **parts: Any) -> Diff:
    seen = make_standing(services=services, objects=objects).swarm
    return diff_stacks(CLUSTER, [make_stack("s", body, **parts)], seen, COMMIT)


def force_update(live: LiveService, times: int) -> LiveService:
    """As after so many `docker service update --force`."""
    return replace(live, spec=with_template(live.spec, ForceUpdate=times))


class TestService:
    def test_in_order_although_another_commit_made_it(self) -> None:
        assert compare(WEB, deploy_service(WEB, commit=EARLIER)) == Diff((), (), 1)

    def test_missing(self) -> None:
        (change,) = compare(WEB).changes
        assert isinstance(change, ServiceMissing)
        assert (change.stack, change.name, change.cause) == ("s", "s_web", Cause.NOT_FOUND)
        labels = change.body["Labels"]
        assert (labels["deployer.cluster"], labels["deployer.stack"], labels["deployer.commit"]) == (
            "sandbox",
            "s",
            COMMIT,
        )
        assert "Labels" not in change.body["TaskTemplate"]["ContainerSpec"], "a label on tasks would restart them"

    def test_missing_where_there_is_no_swarm_yet(self) -> None:
        found = diff_stacks(CLUSTER, [make_stack("s", WEB, networks=(make_network("s_n"),))], None, COMMIT)
        assert [type(change) for change in found.changes] == [ObjectMissing, ServiceMissing]

    def test_count_differs(self) -> None:
        found = get_update(compare(make_service("s_web", 3), deploy_service(make_service("s_web", 2))))
        assert found.fields == (Field("Mode.Replicated.Replicas", 2, 3),)
        assert found.cause is Cause.COUNT

    def test_count_and_more_is_a_change(self) -> None:
        assert (
            get_update(compare(make_service("s_web", 3, "app:2"), deploy_service(make_service("s_web", 2)))).cause
            is Cause.CHANGED
        )

    def test_changed_in_git(self) -> None:
        found = get_update(compare(make_service("s_web", 3, "app:2"), deploy_service(WEB)))
        assert found.fields == (Field("TaskTemplate.ContainerSpec.Image", "app:1", "app:2"),)
        assert found.cause is Cause.CHANGED

    @pytest.mark.parametrize(
        "by_hand", [{"Mode": {"Replicated": {"Replicas": 9}}}, {"EndpointSpec": {"Mode": "dnsrr"}}]
    )
    def test_changed_by_hand(self, by_hand: dict[str, Any]) -> None:
        found = get_update(compare(WEB, change_by_hand(deploy_service(WEB), **by_hand)))
        assert found.cause is Cause.DRIFTED

    def test_the_plan_remembers_what_it_saw(self) -> None:
        seen = deploy_service(WEB, version=4711)
        assert get_update(compare(make_service("s_web", 4), seen)).seen is seen

    def test_one_that_is_not_ours_is_never_touched(self) -> None:
        body = make_service("s_web", 9)
        seen = LiveService("id", 1, make_service("s_web", 1), 1, 1)
        assert list_reasons(compare(body, seen)) == [
            ("service s_web", "it exists and is not this cluster's (no label deployer.cluster of it)")
        ]
        assert compare(body, seen).changes == ()

    def test_nor_another_clusters(self) -> None:
        theirs = disown_service(deploy_service(WEB), {"deployer.cluster": "production"})
        assert compare(make_service("s_web", 9), theirs).changes == ()

    def test_forced_updates_are_carried_over(self) -> None:
        forced = force_update(deploy_service(WEB), 5)
        assert compare(WEB, forced).changes == ()
        assert get_update(compare(make_service("s_web", 4), forced)).body["TaskTemplate"]["ForceUpdate"] == 5

    @pytest.mark.parametrize(
        ("before", "after", "words"),
        [
            ({"Replicated": {"Replicas": 3}}, {"Global": {}}, ("Replicated", "Global")),
            ({"Global": {}}, {"Replicated": {}}, ("Global", "Replicated")),
            ({"Global": {}}, {}, ("Global", "Replicated")),
            ({"Replicated": {}}, {"ReplicatedJob": {}}, ("Replicated", "ReplicatedJob")),
        ],
    )
    def test_another_mode_is_refused_by_engines_and_so_made_anew(
        self, before: dict[str, Any], after: dict[str, Any], words: tuple[str, str]
    ) -> None:
        found = compare(make_service("s_web", Mode=after), deploy_service(make_service("s_web", Mode=before)))
        (change,) = found.changes
        assert isinstance(change, ServiceReplaced)
        assert (change.fields, change.cause, change.network) == ((Field("Mode", *words),), Cause.CHANGED, "")
        assert found.blocked == ()


class TestTasks:
    """The definition is in order."""

    def change(self, **state: Any) -> Change | None:
        found = compare(WEB, deploy_service(WEB, **state))
        assert not found.blocked
        (only,) = found.changes or (None,)
        return only

    @pytest.mark.parametrize(
        "state",
        [
            {},
            {"update_state": "completed"},
            pytest.param({"update_state": "rollback_completed"}, id="git asks for what it was rolled back to"),
        ],
    )
    def test_all_run(self, state: dict[str, Any]) -> None:
        assert self.change(**state) is None

    @pytest.mark.parametrize(
        "state",
        [
            {"running": 2},
            {"running": 0},
            {"running": 4},
            {"update_state": "updating"},
            {"update_state": "rollback_started"},
        ],
    )
    def test_some_do_not_yet(self, state: dict[str, Any]) -> None:
        assert isinstance(self.change(**state), ServiceUnsettled)

    @pytest.mark.parametrize(
        "state",
        [
            {"update_state": "paused"},
            {"update_state": "rollback_paused"},
            {"update_state": "rollback_completed", "running": 2},
        ],
    )
    def test_an_engine_that_gave_up_is_told_again(self, state: dict[str, Any]) -> None:
        """Waiting would be for ever: only an update, be it the same spec, sets UpdateStatus back."""
        change = self.change(**state)
        assert isinstance(change, ServiceDiffers)
        assert (change.cause, change.fields) == (Cause.NOT_HEALTHY, ())
        assert change.body["Mode"] == WEB["Mode"]

    def test_tasks_on_a_machine_that_is_down_count_as_running_and_are_not_waited_for(self) -> None:
        """swarmkit#1270, moby#45922: 4 of 3 until Swarm forgets the fourth, a day later."""

        def changes(running: int) -> tuple[Change, ...]:
            members = (make_member("n-master", "manager"), make_member("n-slave", state="down"))
            seen = make_swarm(*members, services=(deploy_service(WEB, running=running),))
            return diff_stacks(CLUSTER, [make_stack("s", WEB)], seen, COMMIT).changes

        assert changes(running=4) == ()
        assert [type(change) for change in changes(running=2)] == [ServiceUnsettled]

    def test_none_wanted_none_running(self) -> None:
        body = make_service("s_web", 0)
        assert compare(body, deploy_service(body, running=0, wanted=0)).changes == ()

    def test_a_job_may_have_ended(self) -> None:
        body = make_service("s_web", Mode={"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}})
        assert compare(body, deploy_service(body, running=0, wanted=1)).changes == ()


class TestNetworksOfServices:
    def test_ids_are_names(self) -> None:
        live = deploy_service(with_networks(WEB, "id-s_default"))
        ours = deploy_object("network", make_network("s_default"))
        found = compare(with_networks(WEB, "s_default"), live, objects=(ours,), networks=(make_network("s_default"),))
        assert found == Diff((), (), 2)

    def test_the_host_network_has_an_id_that_no_engine_lists(self) -> None:
        body = with_networks(WEB, "host")
        stored = deploy_service(with_networks(WEB, "cwmjem5wg2l8ew4ucwv0o4wkq"))
        assert compare(body, stored, external=(("network", "host"),)) == Diff((), (), 1)

    def test_a_network_too_many(self) -> None:
        stored = deploy_service(with_networks(WEB, "cwmjem5wg2l8ew4ucwv0o4wkq"))
        assert [field.path for field in get_update(compare(WEB, stored)).fields] == [
            "TaskTemplate.Networks[cwmjem5wg2l8ew4ucwv0o4wkq]"
        ]


class TestObjects:
    @pytest.mark.parametrize(
        ("kind", "part", "body"),
        [
            ("network", "networks", make_network("s_n")),
            ("config", "configs", make_content("s_c")),
            ("secret", "secrets", make_content("s_s")),
        ],
    )
    def test_missing_there_and_not_ours(self, kind: Any, part: str, body: dict[str, Any]) -> None:
        parts: dict[str, Any] = {part: (body,)}
        missing = compare(WEB, deploy_service(WEB), **parts)
        (change,) = missing.changes
        assert isinstance(change, ObjectMissing)
        assert (change.kind, change.stack, change.name) == (kind, "s", body["Name"])
        assert change.body["Labels"]["deployer.cluster"] == "sandbox"

        assert compare(WEB, deploy_service(WEB), objects=(deploy_object(kind, body),), **parts) == Diff((), (), 2)

        refused = compare(WEB, deploy_service(WEB), objects=(make_foreign(kind, body),), **parts)
        assert refused.changes == ()
        assert [subject for subject, _ in list_reasons(refused)] == [f"{kind} {body['Name']}"]

    @pytest.mark.parametrize("kind", ["config", "secret"])
    def test_a_changed_content_says_what_it_takes_the_place_of_and_shows_none_of_it(self, kind: Any) -> None:
        word, part = kind.capitalize(), f"{kind}s"
        used = deploy_service(with_container(WEB, **{f"{word}s": [{f"{word}Name": "s_c-1", "File": {"Name": "/c"}}]}))
        wanted = with_container(WEB, **{f"{word}s": [{f"{word}Name": "s_c-2", "File": {"Name": "/c"}}]})
        there = tuple(
            deploy_object(kind, {**make_content(name), "Data": "aGkKaG8K"}) for name in ("s_c-0", "s_c-1", "s_cc-1")
        )
        found = compare(wanted, used, objects=there, **{part: (make_content("s_c-2"),)})
        missing, moves = found.changes
        assert isinstance(missing, ObjectMissing)
        sizes = (Field("Data", "2 lines, 6 bytes", "1 line, 2 bytes"),) if kind == "config" else ()
        assert (missing.cause, missing.fields) == (Cause.CHANGED, (Field("Name", "s_c-1", "s_c-2"), *sizes))
        assert isinstance(moves, ServiceDiffers)

    def test_equal_names_of_other_kinds_are_other_objects(self) -> None:
        found = compare(
            WEB,
            deploy_service(WEB),
            objects=(deploy_object("config", make_content("s_x")),),
            secrets=(make_content("s_x"),),
        )
        assert [type(change) for change in found.changes] == [ObjectMissing]

    @pytest.mark.parametrize(
        ("kind", "part", "reference"),
        [
            ("network", "networks", with_networks(WEB, "s_x")),
            ("config", "configs", with_container(WEB, Configs=[{"ConfigName": "s_x"}])),
            ("secret", "secrets", with_container(WEB, Secrets=[{"SecretName": "s_x"}])),
        ],
    )
    def test_a_service_does_not_get_what_is_not_ours(self, kind: Any, part: str, reference: dict[str, Any]) -> None:
        parts: dict[str, Any] = {part: (make_content("s_x"),)}
        found = compare(reference, objects=(make_foreign(kind, make_content("s_x")),), **parts)
        assert found.changes == ()
        assert list_reasons(found)[1] == ("service s_web", f"it needs {kind} s_x, which it cannot have")

    def test_two_stacks_define_one_name(self) -> None:
        stacks = [make_stack(name, networks=(make_network("shared"),)) for name in ("b", "a")]
        found = diff_stacks(CLUSTER, stacks, None, COMMIT)
        assert [(change.stack, change.name) for change in found.changes if isinstance(change, ObjectMissing)] == [
            ("a", "shared")
        ]
        assert list_reasons(found) == [("network shared", "stacks a and b both define it")]

    def test_two_stacks_define_one_service(self) -> None:
        """Stack `a` with service `b_c`, stack `a_b` with service `c`."""
        stacks = [make_stack("a", make_service("a_b_c", 1)), make_stack("a_b", make_service("a_b_c", 2))]
        found = diff_stacks(CLUSTER, stacks, None, COMMIT)
        assert [change.stack for change in found.changes if isinstance(change, ServiceMissing)] == ["a"]
        assert list_reasons(found) == [("service a_b_c", "stacks a and a_b both define it")]


class TestNetworkOptions:
    @pytest.mark.parametrize(
        ("wanted", "present", "told"),
        [
            ({"Internal": True}, {"Internal": False}, ("Internal", False, True)),
            ({}, {"Attachable": True}, ("Attachable", True, False)),
            ({"Driver": "overlay"}, {"Driver": "macvlan"}, ("Driver", "macvlan", "overlay")),
            ({"Options": {"encrypted": ""}}, {"Options": {}}, ("Options.encrypted", None, "")),
            ({"Options": {"mtu": "1400"}}, {"Options": {"mtu": "1500"}}, ("Options.mtu", "1500", "1400")),
            (
                {"IPAM": {"Config": [{"Subnet": "10.9.0.0/24"}]}},
                {"IPAM": {"Config": []}},
                ("IPAM.Config", [], [{"Subnet": "10.9.0.0/24"}]),
            ),
        ],
    )
    def test_a_difference_means_another_network(
        self, wanted: dict[str, Any], present: dict[str, Any], told: tuple[str, Any, Any]
    ) -> None:
        body = with_networks(make_service("s_web", 4), "s_n")
        found = compare(
            body,
            deploy_service(with_networks(WEB, "id-s_n")),
            objects=(deploy_object("network", make_network("s_n", **present)),),
            networks=(make_network("s_n", **wanted),),
        )
        network_change = next(change for change in found.changes if isinstance(change, NetworkReplaced))
        assert (network_change.name, network_change.id) == ("s_n", "id-s_n")
        assert network_change.fields == (Field(*told),)
        assert found.blocked == ()

    @pytest.mark.parametrize(
        ("wanted", "present"),
        [
            ({}, {"IPAM": {"Driver": "default", "Config": [{"Subnet": "10.0.1.0/24"}]}}),
            ({"Options": None}, {"Options": {"com.docker.network.driver.overlay.vxlanid_list": "4097"}}),
            ({"Driver": ""}, {"Driver": "overlay"}),
            ({"IPAM": {"Config": [{"Subnet": "10.9.0.0/24"}]}}, {"IPAM": {"Config": [{"Subnet": "10.9.0.0/24", "Gateway": "10.9.0.1"}]}}),
        ],
    )  # fmt: skip
    def test_what_the_engine_chose_is_none(self, wanted: dict[str, Any], present: dict[str, Any]) -> None:
        seen = (deploy_object("network", make_network("s_n", **present)),)
        assert compare(WEB, deploy_service(WEB), objects=seen, networks=(make_network("s_n", **wanted),)) == Diff(
            (), (), 2
        )


class TestExternals:
    WANTS = with_networks(WEB, "shared")

    def test_missing_and_the_services_that_need_it_are_not_tried(self) -> None:
        found = compare(self.WANTS, external=(("network", "shared"),))
        assert found.changes == ()
        assert list_reasons(found) == [
            ("stack s", "its external network shared does not exist"),
            ("service s_web", "it needs network shared, which it cannot have"),
        ]

    def test_the_others_are(self) -> None:
        found = diff_stacks(
            CLUSTER,
            [make_stack("s", self.WANTS, make_service("s_db", 1), external=(("network", "shared"),))],
            None,
            COMMIT,
        )
        assert [change.name for change in found.changes if isinstance(change, ServiceMissing)] == ["s_db"]

    def test_there_and_somebody_elses(self) -> None:
        found = compare(
            self.WANTS, objects=(make_foreign("network", make_network("shared")),), external=(("network", "shared"),)
        )
        assert found.blocked == ()
        assert [type(change) for change in found.changes] == [ServiceMissing]

    def test_defined_by_another_stack_of_the_same_commit(self) -> None:
        stacks = [
            make_stack("s", self.WANTS, external=(("network", "shared"),)),
            make_stack("t", networks=(make_network("shared"),)),
        ]
        found = diff_stacks(CLUSTER, stacks, None, COMMIT)
        assert found.blocked == ()
        assert [type(change) for change in found.changes] == [ObjectMissing, ServiceMissing]

    def test_defined_as_something_else_is_not_defined(self) -> None:
        stacks = [
            make_stack("s", self.WANTS, external=(("network", "shared"),)),
            make_stack("t", configs=(make_content("shared"),)),
        ]
        assert ("stack s", "its external network shared does not exist") in list_reasons(
            diff_stacks(CLUSTER, stacks, None, COMMIT)
        )

    @pytest.mark.parametrize("name", ["host", "bridge", "none"])
    def test_every_engine_has_these(self, name: str) -> None:
        assert compare(WEB, deploy_service(WEB), external=(("network", name),)).blocked == ()

    def test_volumes_are_made_where_they_are_needed(self) -> None:
        assert compare(WEB, deploy_service(WEB), external=(("volume", "data"),)) == Diff((), (), 1)

    def test_each_is_named(self) -> None:
        found = compare(WEB, deploy_service(WEB), external=(("secret", "b"), ("config", "a")))
        help_ = "create it, or let a stack define it"
        assert found.blocked == (
            Blocked("stack s", "its external config a does not exist", help_, stack="s", at=("configs", "a")),
            Blocked("stack s", "its external secret b does not exist", help_, stack="s", at=("secrets", "b")),
        )


ONCE = with_template(make_service("s_migrate", 1), RestartPolicy={"Condition": "none"})


def test_what_ran_once_and_failed_is_tried_again() -> None:
    """Swarm leaves it alone, and an update with the same spec would not start it."""
    change = get_update(compare(ONCE, deploy_service(ONCE, running=0, failed=1)))
    assert change.cause is Cause.NOT_HEALTHY
    assert change.body["TaskTemplate"]["ForceUpdate"] == 1
    assert str(change.effect) == "starts 1 task"
    forced = force_update(deploy_service(ONCE, running=0, failed=1), 4)
    assert get_update(compare(ONCE, forced)).body["TaskTemplate"]["ForceUpdate"] == 5


def test_what_ran_once_and_ended_well_or_still_runs_is_left_alone() -> None:
    assert compare(ONCE, deploy_service(ONCE, running=0, completed=1)).changes == ()
    assert compare(ONCE, deploy_service(ONCE, running=1)).changes == ()
    assert compare(ONCE, deploy_service(ONCE, running=0)).changes == (), (
        "nobody knows how it ended: it is not run again for that"
    )
