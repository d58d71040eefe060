"""The address at which the other machines reach a machine."""

import pytest

from deployer.diff.machines import advertise_address
from tests.literals.desired import make_node
from tests.literals.machines import make_machine

TWO = (
    ("lo", "127.0.0.1"),
    ("eth0", "203.0.113.10"),
    ("eth0", "203.0.113.11"),
    ("eth1", "10.0.0.2"),
    ("eth1", "fd00::2"),
)


@pytest.mark.parametrize(
    ("advertise", "address", "expected"),
    [
        pytest.param("eth1", "203.0.113.10", "10.0.0.2", id="the first address of the interface that is named"),
        pytest.param("10.9.9.9", "203.0.113.10", "10.9.9.9", id="an address is taken as it is"),
        pytest.param("fd00::2", "203.0.113.10", "fd00::2", id="an IPv6 address too"),
        pytest.param("eth7", "203.0.113.10", None, id="an interface that is not there"),
        pytest.param(None, "10.0.0.2", "10.0.0.2", id="the address of SSH, where it is the machine's own"),
        pytest.param(None, "203.0.113.11", "203.0.113.11", id="an interface's second address is the machine's own"),
        pytest.param(None, "198.51.100.1", "203.0.113.10", id="behind NAT: the default route's interface"),
        pytest.param(None, "host.example.org", "203.0.113.10", id="a host name: the default route's interface"),
        pytest.param(None, "local", "203.0.113.10", id="this machine: the default route's interface"),
    ],
)
def test_advertise_address(advertise: str | None, address: str, expected: str | None) -> None:
    wanted = make_node("m", address=address, advertise=advertise)
    assert advertise_address(wanted, make_machine(interfaces=TWO, default_interface="eth0")) == expected


def test_without_a_default_route_only_this_machine_has_an_address() -> None:
    alone = make_machine(interfaces=(("lo", "127.0.0.1"),), default_interface="")
    assert advertise_address(make_node("m", address="local", advertise=None), alone) == "127.0.0.1"
    assert advertise_address(make_node("m", address="198.51.100.1", advertise=None), alone) is None
