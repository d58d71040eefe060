"""New certificates: in which order, what of the authority comes first, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from deployer.maintenance.certificates import certificates_plan
from deployer.model.observed import TlsListener
from deployer.plan.maintenance import Manner
from deployer.plan.text import plan_text
from tests.decisions import list_kinds, list_refusals
from tests.literals.desired import make_cluster, make_desired, make_node
from tests.literals.machines import DOWN, make_engine, make_machine
from tests.literals.swarm import make_standing

if TYPE_CHECKING:
    from deployer.maintenance.certificates import Turn
    from deployer.model.observed import Machine, Unreachable
    from deployer.plan.steps import Plan

NEW, OLD = ("new", "old"), ("old",)


def reached(node_id: str, authorities: tuple[str, ...] = NEW, **more: Any) -> Machine:
    return make_machine(engine=make_engine(node_id, **more), tls=TlsListener("", "", ("x",), authorities))


def planned(turn: Turn = "server", names: tuple[str, ...] = ("c", "m", "w"), **changes: Machine | Unreachable) -> Plan:
    machines = {"c": reached(""), "m": reached("n-m", manager=True), "w": reached("n-w"), **changes}
    nodes = (
        make_node("c", "none", tls=True),
        make_node("m", "manager", tls=True),
        make_node("n", "manager"),
        make_node("o", "manager"),
        make_node("w", tls=True),
    )
    wanted = make_desired(make_cluster(*nodes, authorities=NEW))
    seen = make_standing(("n", "m", "o"), ("w",), machines=machines)
    return certificates_plan(wanted, seen, {}, names, turn, Manner(rolling=True))


def test_workers_first_managers_last_each_drained_and_the_authority_before_all_of_them() -> None:
    names = "192.0.2.1, 10.0.0.1, localhost, 127.0.0.1; the engine restarts (asked for)"
    assert plan_text(planned("authority")) == dedent(f"""\
        Plan for sandbox at 0123456789: new certificates for c, m, w

        ~ #1 w: drain: its tasks go elsewhere (asked for)
        . #2 w: wait up to 180 s until it is empty
        ~ #3 w: make another authority for sandbox's certificates here; the present one stays trusted (asked for)
        ~ #4 w: listen for TLS with a new certificate for w, {names}
        . #5 w: wait up to 180 s until it is ready
        ~ #6 w: activate: it takes tasks again (asked for)
        . #7 w: wait up to 180 s until it is ready
        ~ #8 c: listen for TLS with a new certificate for c, {names}
        ~ #9 m: drain: its tasks go elsewhere (asked for)
        . #10 m: wait up to 180 s until it is empty
        ~ #11 m: listen for TLS with a new certificate for m, {names}
        . #12 m: wait up to 180 s until it is ready
        ~ #13 m: activate: it takes tasks again (asked for)
        . #14 m: wait up to 180 s until it is ready

        Plan: 0 to add, 8 to change, 0 to remove (0 unchanged).
        """)
    plan = planned("authority")
    assert [step.needs for step in plan.steps] == [(), *((number,) for number in range(1, 14))]


@pytest.mark.parametrize(("turn", "first"), [("server", "ListenTls"), ("finish", "FinishAuthority")])
def test_what_comes_first(turn: Turn, first: str) -> None:
    assert list_kinds(planned(turn, ("c",)))[0] == first


def test_the_old_authority_stays_while_anybody_has_nothing_of_the_new_one() -> None:
    behind = "it has no certificate of the new authority, as far as can be seen"
    assert list_refusals(planned("finish", ("c",), w=reached("n-w", OLD), m=DOWN)) == [f"m: {behind}", f"w: {behind}"]


def test_what_is_in_the_way_of_one_ends_all() -> None:
    assert list_refusals(planned(w=make_machine(engine=make_engine("n-w")))) == [
        "w: its engine does not listen for TLS yet"
    ]
    assert list_refusals(planned(w=reached("n-w", ("else",)))) == ["w: its certificate is of another authority"]
    assert list_refusals(planned(w=replace(reached("n-w"), privileged=False))) == [
        "w: its user is not root and sudo asks for a password"
    ]
    assert list_refusals(planned(w=DOWN)) == ["w: no answer within 5 s"]
