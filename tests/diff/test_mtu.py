"""Networks that are too large for what machines can send."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.diff.change import Warned
from deployer.diff.mtu import OPTION, small_packets
from deployer.model.cluster import Cluster
from deployer.plan import Plan
from deployer.plan.text import plan_text
from tests.literals.desired import make_node
from tests.literals.machines import DOWN, make_machine
from tests.literals.stacks import make_stack

if TYPE_CHECKING:
    from deployer.model.observed import Machine, Unreachable

TWO = Cluster("sandbox", (make_node("a", "manager"), make_node("b", advertise="wg0"), make_node("c", "none")), None, "")
WIDE = replace(make_machine(), interfaces=(("eth0", "192.0.2.1"), ("wg0", "10.8.0.1")))
VPN = replace(WIDE, small_mtus=(("wg0", 1420),))


def seen(b: Machine | Unreachable = VPN, c: Machine = VPN, **options: Any) -> list[str]:
    networks = ({"Name": "s_n", "Driver": "overlay", "Options": options and {OPTION: options["mtu"]}},)
    observed: Any = type("Seen", (), {"machines": {"a": WIDE, "b": b, "c": c}})
    return [str(one) for one in small_packets(TWO, [make_stack("s", networks=networks)], observed)]


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
    observed: Any = type("Seen", (), {"machines": {"a": WIDE, "b": VPN, "c": VPN}})
    many = [make_stack(name, networks=({"Name": f"{name}_default", "Driver": "overlay"},)) for name in "vwxyz"]
    (warned,) = small_packets(TWO, many, observed)
    assert warned.subject == "networks v_default, w_default, x_default and 2 more"


def test_a_machine_alone_sends_nothing_between_machines() -> None:
    observed: Any = type("Seen", (), {"machines": {"b": VPN}})
    alone = replace(TWO, nodes=TWO.nodes[1:])
    assert not small_packets(alone, [make_stack("s", networks=({"Name": "s_n", "Driver": "overlay"},))], observed)


def test_other_drivers_send_nothing_between_machines() -> None:
    observed: Any = type("Seen", (), {"machines": {"a": WIDE, "b": VPN, "c": VPN}})
    assert not small_packets(TWO, [make_stack("s", networks=({"Name": "s_n", "Driver": "macvlan"},))], observed)


def test_a_plan_says_so_and_is_empty_all_the_same() -> None:
    plan = Plan("sandbox", "c" * 40, (), warned=(Warned("network s_n", "too large", "write it"),))
    assert plan.empty
    assert "warning: network s_n: too large\n    write it\n" in plan_text(plan)
