"""Engines and daemon.json."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked, Diff
from deployer.diff.machines import DaemonJson, EngineMissing, diff_engines, merge
from deployer.model.cluster import Install
from deployer.model.observed import Machine, Silent, Unreachable
from tests.literals.desired import make_cluster, make_node
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.swarm import make_observed

MIRRORS = {"registry-mirrors": ["http://registry:5000"]}


def compare(seen: Machine | Unreachable, install: Install = "distro", daemon: Mapping[str, Any] | None = None) -> Diff:
    return diff_engines(make_cluster(make_node("m", install=install, daemon=daemon)), make_observed({"m": seen}))


def daemon_json(present: str | None, wanted: Mapping[str, Any]) -> DaemonJson | Blocked | None:
    """What is to be done about a running engine's file."""
    found = compare(make_machine(engine=make_engine(), daemon_json=present), daemon=wanted)
    (only,) = (*found.changes, *found.blocked) or (None,)
    assert only is None or isinstance(only, DaemonJson | Blocked)
    return only


class TestEngine:
    def test_an_engine_that_answers_is_unchanged(self) -> None:
        assert compare(make_machine(engine=make_engine())) == Diff((), (), 1)

    @pytest.mark.parametrize("method", ["distro", "docker"])
    def test_a_missing_one_is_installed(self, method: Install) -> None:
        assert compare(make_machine(), method).changes == (EngineMissing("m", method, Cause.NOT_FOUND),)  # type: ignore[arg-type] # parametrized

    def test_a_missing_one_that_is_not_to_be_installed_is_blocked(self) -> None:
        found = compare(make_machine(), "none", MIRRORS)
        assert not found.changes
        assert [blocked.reason for blocked in found.blocked] == [
            "it has no Docker engine, and engine.install is `none`"
        ]

    def test_a_silent_one_is_neither_missing_nor_in_order(self) -> None:
        found = compare(make_machine(engine=Silent("permission denied")), daemon=MIRRORS)
        assert (found.changes, found.unchanged) == ((), 0)
        assert [blocked.reason for blocked in found.blocked] == ["its Docker engine does not answer: permission denied"]

    def test_an_unreachable_machine_is_blocked_and_nothing_else(self) -> None:
        assert compare(DOWN, daemon=MIRRORS) == Diff((), (Blocked("m", DOWN.reason, DOWN.help, unreachable=True),), 0)

    @pytest.mark.parametrize(
        "seen", [make_machine(privileged=False), make_machine(privileged=False, engine=make_engine())]
    )
    def test_without_sudo_nothing_is_changed(self, seen: Machine) -> None:
        found = compare(seen, daemon=MIRRORS)
        assert not found.changes
        assert [blocked.reason for blocked in found.blocked] == ["its user is not root and sudo asks for a password"]

    def test_without_sudo_a_machine_in_order_is_in_order(self) -> None:
        assert compare(make_machine(privileged=False, engine=make_engine())) == Diff((), (), 1)


class TestMerge:
    @pytest.mark.parametrize(
        ("present", "wanted", "merged"),
        [
            pytest.param({}, {"a": 1}, {"a": 1}, id="added"),
            pytest.param({"a": 1}, {"a": 2}, {"a": 2}, id="git wins"),
            pytest.param({"mtu": 1400}, {"a": 2}, {"mtu": 1400, "a": 2}, id="what git does not name stays"),
            pytest.param(
                {"log-opts": {"max-size": "1m", "tag": "x"}},
                {"log-opts": {"max-size": "2m"}},
                {"log-opts": {"max-size": "2m", "tag": "x"}},
                id="objects key by key",
            ),
            pytest.param({"dns": ["1.1.1.1"]}, {"dns": ["9.9.9.9"]}, {"dns": ["9.9.9.9"]}, id="lists as a whole"),
            pytest.param({"log-opts": {"a": 1}}, {"log-opts": "x"}, {"log-opts": "x"}, id="another type"),
        ],
    )
    def test_merge(self, present: dict[str, Any], wanted: dict[str, Any], merged: dict[str, Any]) -> None:
        before = json.dumps(present)
        assert merge(present, wanted) == merged
        assert json.dumps(present) == before, "the input is as it was"


class TestDaemonJson:
    def test_it_is_written_whole_with_what_was_there(self) -> None:
        found = daemon_json('{"mtu": 1400}', MIRRORS)
        assert isinstance(found, DaemonJson)
        assert json.loads(found.text) == {"mtu": 1400, **MIRRORS}
        assert [field.path for field in found.fields] == ["registry-mirrors"]

    @pytest.mark.parametrize(
        ("present", "wanted", "effect"),
        [
            pytest.param(None, MIRRORS, "reload", id="dockerd reads mirrors again by itself"),
            pytest.param('{"mtu": 1400}', {"debug": True}, "reload", id="foreign keys do not count"),
            pytest.param(None, {"mtu": 1400}, "restart", id="others need a restart"),
            pytest.param(None, {"mtu": 1400, "debug": True}, "restart", id="one that does is enough"),
            pytest.param('{"mtu": 1400}', {"mtu": 1400, "debug": True}, "reload", id="only what changes counts"),
            pytest.param('{"log-opts": {"a": "1"}}', {"log-opts": {"b": "2"}}, "restart", id="nested"),
        ],
    )
    def test_effect(self, present: str | None, wanted: dict[str, Any], effect: str) -> None:
        found = daemon_json(present, wanted)
        assert isinstance(found, DaemonJson)
        assert found.effect == effect

    def test_before_the_engine_is_there_it_has_no_effect(self) -> None:
        changes = compare(make_machine(), daemon={"mtu": 1400}).changes
        assert [change.effect for change in changes if isinstance(change, DaemonJson)] == ["none"]

    @pytest.mark.parametrize(
        "present",
        [json.dumps(MIRRORS), json.dumps({"mtu": 1, **MIRRORS}, indent=8)],
        ids=["the same", "more than that"],
    )
    def test_nothing_to_write(self, present: str) -> None:
        assert daemon_json(present, MIRRORS) is None

    @pytest.mark.parametrize("present", ["", "\n", "  \n"])
    def test_an_empty_file_is_an_empty_object_as_for_dockerd(self, present: str) -> None:
        assert isinstance(daemon_json(present, MIRRORS), DaemonJson)

    @pytest.mark.parametrize(
        "present",
        ["{", "[]", "null", '"x"', "{} {}", pytest.param("[" * 100_000, id="deeper than Python's stack")],
    )
    def test_what_is_no_object_is_never_written_over(self, present: str) -> None:
        found = daemon_json(present, MIRRORS)
        assert isinstance(found, Blocked)
        assert "its /etc/docker/daemon.json is no JSON object" in found.reason

    def test_a_broken_file_is_not_our_business_where_git_says_nothing(self) -> None:
        assert daemon_json("{", {}) is None

    def test_a_broken_file_is_our_business_before_an_engine_is_installed(self) -> None:
        found = compare(make_machine(daemon_json="{"))
        assert not found.changes
        assert len(found.blocked) == 1

    def test_no_engine_is_installed_while_the_clock_is_off_by_a_day(self) -> None:
        found = compare(make_machine(clock_ahead=-86_400.0))
        assert not found.changes
        assert [one.reason.partition(":")[0] for one in found.blocked] == ["its clock is 24 h behind"]
