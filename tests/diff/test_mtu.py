"""Networks that are too large for what machines can send."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.diff.change import Warned
from deployer.diff.mtu import OPTION, small_packets
from deployer.plan.steps import Plan
from deployer.plan.text import plan_text
from tests.literals.desired import make_cluster, make_node
from tests.literals.machines import DOWN, make_machine
from tests.literals.stacks import make_network, make_stack
from tests.literals.swarm import make_observed

if TYPE_CHECKING:
    from deployer.model.observed import Machine, Unreachable

TWO = make_cluster(make_node("a", "manager"), make_node("b", advertise="wg0"), make_node("c", "none"))
WIDE = make_machine(interfaces=(("eth0", "192.0.2.1"), ("wg0", "10.8.0.1")))
VPN = replace(WIDE, small_mtus=(("wg0", 1420),))


def seen(b: Machine | Unreachable = VPN, c: Machine = VPN, **options: Any) -> list[str]:
    network = make_network("s_n", Options=options and {OPTION: options["mtu"]})
    observed = make_observed({"a": WIDE, "b": b, "c": c})
    return [str(one) for one in small_packets(TWO, [make_stack("s", networks=(network,))], observed)]


def test_the_interface_that_others_reach_it_by_counts() -> None:
    (line,) = seen()
    assert "network s_n" in line
    assert "wg0 of b carries packets of 1420 bytes, and an overlay network's have up to 1500" in line
    assert f'driver_opts: {{{OPTION}: "1420"}}' in line


@pytest.mark.parametrize("other", [WIDE, replace(WIDE, small_mtus=(("eth0", 1400),)), DOWN])
def test_nothing_is_said_where_all_is_well_or_unknown(other: Any) -> None:
    """c is no member, so that its packets do not count."""
    assert seen(other) == []


@pytest.mark.parametrize(("mtu", "warned"), [("1420", 0), ("1400", 0), ("1450", 1), ("none", 1)])
def test_the_networks_own_option_counts(mtu: str, warned: int) -> None:
    assert len(seen(mtu=mtu)) == warned


def test_one_warning_is_enough_for_many_networks() -> None:
    many = [make_stack(name, networks=(make_network(f"{name}_default"),)) for name in "vwxyz"]
    (warned,) = small_packets(TWO, many, make_observed({"a": WIDE, "b": VPN, "c": VPN}))
    assert warned.subject == "networks v_default, w_default, x_default and 2 more"


def test_a_machine_alone_sends_nothing_between_machines() -> None:
    alone = replace(TWO, nodes=TWO.nodes[1:])
    assert not small_packets(alone, [make_stack("s", networks=(make_network("s_n"),))], make_observed({"b": VPN}))


def test_other_drivers_send_nothing_between_machines() -> None:
    macvlan = make_stack("s", networks=(make_network("s_n", Driver="macvlan"),))
    assert not small_packets(TWO, [macvlan], make_observed({"a": WIDE, "b": VPN, "c": VPN}))


def test_a_plan_says_so_and_is_empty_all_the_same() -> None:
    plan = Plan("sandbox", "c" * 40, (), warned=(Warned("network s_n", "too large", "write it"),))
    assert plan.empty
    assert "warning: network s_n: too large\n    write it\n" in plan_text(plan)
