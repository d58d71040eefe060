"""Engines that are to listen for TLS: what is a difference, what is left alone, and the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked
from deployer.diff.tls import TlsDiffers, TlsSurplus, diff_tls, tls_names
from deployer.model.field import Field
from deployer.model.observed import TlsListener
from deployer.model.tls import ends_in, listening
from deployer.plan.text import plan_text
from tests.decisions import decide, get_status
from tests.literals.desired import make_cluster, make_desired, make_node
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.swarm import make_observed
from tests.model_cluster import run_plan

if TYPE_CHECKING:
    from deployer.model.cluster import Cluster, Node

STOCK = "/usr/sbin/dockerd -H fd://"
ARGUMENTS = listening("192.0.2.1")
NAMES = ("m1", "192.0.2.1", "10.0.0.1", "localhost", "127.0.0.1")
LIVE = TlsListener(f"{STOCK} {ARGUMENTS}", STOCK, NAMES, ("aa",), 300 * 86400.0)


def secured(name: str = "m1", **changes: Any) -> Node:
    return make_node(name, "none", tls=True, **changes)


def ours(*nodes: Node) -> Cluster:
    return make_cluster(*nodes, authorities=("aa",))


def found(live: TlsListener | None, wanted: Node | None = None, **changes: Any) -> Any:
    machine = make_machine(engine=make_engine(), tls=live, **changes)
    return diff_tls(ours(wanted or secured()), make_observed({"m1": machine}))


def test_what_it_listens_with() -> None:
    assert ARGUMENTS.startswith("-H tcp://0.0.0.0:2376 --tlsverify --tlscacert /etc/docker/deployer-tls/ca.pem ")
    assert listening("2001:db8::1").startswith("-H tcp://[::]:2376 ")
    assert tls_names(secured(), make_machine()) == NAMES
    assert tls_names(secured(address="m1.example.org", advertise="10.9.9.9"), make_machine())[:3] == (
        "m1",
        "m1.example.org",
        "10.9.9.9",
    )


def test_one_that_does_not_yet() -> None:
    assert found(None).changes == (TlsDiffers("m1", NAMES, ARGUMENTS, Cause.NOT_FOUND),)


def test_one_that_does_as_git_says() -> None:
    assert found(LIVE) == diff_tls(make_cluster(), make_observed({}))


def test_a_certificate_that_ends_soon_is_no_difference() -> None:
    """A plan of every day restarts no engine for it; status and ls say it."""
    assert not found(replace(LIVE, left=-1.0)).changes


def test_neither_is_somebody_elses_authority() -> None:
    assert not found(replace(LIVE, authorities=("bb",))).changes


def test_another_address() -> None:
    old = (*NAMES[:1], "192.0.2.99", *NAMES[2:])
    (change,) = found(replace(LIVE, names=old)).changes
    assert change.fields == (Field("certificate", sorted(old), sorted(NAMES)),)


def test_a_unit_that_starts_the_engine_otherwise_by_now() -> None:
    newer = f"{STOCK} --containerd=/run/containerd/containerd.sock"
    (change,) = found(replace(LIVE, stock=newer)).changes
    assert change.fields == (Field("ExecStart", LIVE.command, f"{newer} {ARGUMENTS}"),)


def test_not_in_git_any_more() -> None:
    assert found(LIVE, make_node("m1", "none")).changes == (TlsSurplus("m1"),)


def test_the_machine_that_deployer_runs_on_needs_none() -> None:
    assert found(None, secured(address="local")) == diff_tls(make_cluster(), make_observed({}))


def test_nothing_without_root() -> None:
    told = found(None, privileged=False)
    assert not told.changes
    assert "sudo asks for a password" in told.blocked[0].reason


@pytest.mark.parametrize("mine", [(), ("cc",)])
def test_a_cluster_has_one_authority(mine: tuple[str, ...]) -> None:
    """Whoever has it not makes no second one: the first one's clients would not get in."""
    seen = make_observed(
        {"m1": make_machine(engine=make_engine(), tls=LIVE), "m2": make_machine("10.0.0.2", engine=make_engine())}
    )
    told = diff_tls(replace(ours(secured(), secured("m2")), authorities=mine), seen)
    assert not told.changes
    assert told.blocked == (
        Blocked(
            "m2",
            "it would get a certificate of another authority than m1 has",
            "copy ~/.local/share/deployer/tls/sandbox from whoever set up m1",
        ),
    )


def test_the_plan() -> None:
    """Engines restart one after the other, one that is new once it is there; nothing where a machine cannot be asked."""
    wanted = make_desired(
        ours(secured(daemon={"bip": "10.1.0.1/24"}), secured("m2"), make_node("m3", "none"), secured("m4"))
    )
    seen = make_observed({
        "m1": make_machine(engine=make_engine()),
        "m2": make_machine("10.0.0.2"),
        "m3": make_machine("10.0.0.3", engine=make_engine(), tls=LIVE),
        "m4": DOWN,
    })  # fmt: skip
    plan = decide(wanted, seen)
    assert plan_text(plan) == (
        "Plan for sandbox at 0123456789\n"
        "\n"
        "~ #1 m1: write daemon.json, the engine restarts (changed in git)\n"
        "       bip: (none) -> 10.1.0.1/24\n"
        "+ #2 m2: install Docker from the distribution's packages (not found)\n"
        "~ #3 m1: listen for TLS with a new certificate for m1, 192.0.2.1, 10.0.0.1, localhost, 127.0.0.1; "
        "the engine restarts (not found)\n"
        "~ #4 m2: listen for TLS with a new certificate for m2, 192.0.2.1, 10.0.0.2, localhost, 127.0.0.1; "
        "the engine restarts (not found)\n"
        "- #5 m3: listen for TLS no more; the engine restarts (not in git any more)\n"
        "\n"
        "! m4: no answer within 5 s\n"
        "    is it on?\n"
        "\n"
        "Plan: 1 to add, 3 to change, 1 to remove (1 unchanged); 1 cannot be done.\n"
    )
    assert [step.needs for step in plan.steps] == [(), (), (1,), (2, 3), (4,)]
    assert not decide(wanted, run_plan(seen, plan)).steps


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (30.1, ""),
        (29.9, "its certificate ends in 29 days"),
        (1.5, "its certificate ends in 1 day"),
        (0.5, "its certificate ends today"),
        (-2, "its certificate has ended"),
    ],
)
def test_its_end_is_told_in_time(days: float, said: str) -> None:
    assert ends_in(days * 86400) == said
    wanted = make_desired(ours(secured()))
    seen = make_observed({"m1": make_machine(engine=make_engine(), tls=replace(LIVE, left=days * 86400))})
    (row,) = get_status(wanted, seen).nodes
    assert row.note == (f"{said}: deployer machine regenerate-certs m1" if said else "")
    assert row.sync == "Synced"
