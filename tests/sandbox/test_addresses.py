from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from deployer.errors import DeployerError, UsageError
from deployer.sandbox import addresses


def networks(*texts: str) -> list[IPv4Network]:
    return [IPv4Network(text) for text in texts]


@pytest.mark.parametrize(
    ("used", "chosen"),
    [
        ([], "10.99.0.0/24"),
        (["172.17.0.0/16", "192.0.2.0/24"], "10.99.0.0/24"),
        (["10.99.0.128/25"], "10.99.1.0/24"),
        (["10.99.0.0/23", "10.99.2.7/32"], "10.99.3.0/24"),
    ],
)
def test_the_first_free_network_is_taken(used: list[str], chosen: str) -> None:
    assert str(addresses.choose_subnet(None, networks(*used))) == chosen


def test_no_free_network_is_an_error_that_names_the_option() -> None:
    with pytest.raises(DeployerError) as caught:
        addresses.choose_subnet(None, networks("10.0.0.0/8"))
    assert "--subnet" in caught.value.help


@pytest.mark.parametrize("wanted", ["10.99.0.1/24", "10.99.0.0/28", "10.0.0.0/8", "fd00::/64", "x", ""])
def test_a_subnet_that_cannot_be_one_is_wrong_usage(wanted: str) -> None:
    with pytest.raises(UsageError, match="--subnet"):
        addresses.choose_subnet(wanted, [])


def test_a_subnet_that_is_taken_is_refused_not_replaced() -> None:
    with pytest.raises(UsageError, match=r"overlaps 192\.0\.2\.0/24"):
        addresses.choose_subnet("192.0.2.0/25", networks("192.0.2.0/24"))


def test_machines_keep_their_addresses_and_new_ones_fill_the_gaps() -> None:
    found = addresses.machine_addresses(
        IPv4Network("10.99.3.0/24"), ["a", "b", "c"], {"b": "10.99.3.11", "old": "10.99.3.12"}
    )
    assert found == {"a": "10.99.3.13", "b": "10.99.3.11", "c": "10.99.3.14"}


def test_sixteen_machines_and_the_registry_fit_into_the_smallest_network() -> None:
    subnet = IPv4Network(f"10.99.0.0/{addresses.LONGEST_PREFIX}")
    found = addresses.machine_addresses(subnet, [f"m{number}" for number in range(16)], {})
    hosts = {str(host) for host in subnet.hosts()}
    assert set(found.values()) < hosts
    assert addresses.registry_address(subnet) in hosts - set(found.values())


def test_routes_are_read_as_the_kernel_writes_them() -> None:
    text = (
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert addresses.parse_routes(text) == (IPv4Network("192.0.2.0/24"), IPv4Network("172.17.0.0/16"))


def test_networks_without_an_ipv4_subnet_take_no_room() -> None:
    listed: list[dict[str, Any]] = [
        {"IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}, {"Subnet": "fd00::/64"}]}},
        {"IPAM": {"Config": None}},
        {"IPAM": {"Config": [{}]}},
    ]
    assert addresses.parse_networks(listed) == (IPv4Network("172.18.0.0/16"),)
