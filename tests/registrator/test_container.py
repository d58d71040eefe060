from __future__ import annotations

from typing import Any

import pytest

from deployer.registrator.container import Binding, Network, Port, read_container, read_signal
from tests.registrator.boxes import box


def test_the_ports_are_exposed_ones_overlaid_by_published_ones() -> None:
    read = read_container(box({"80/tcp": ["0.0.0.0:8080", ":::8080"], "53/udp": None}, exposed=("443/tcp",)))
    assert read.ports == (
        Port(53, "udp"),
        Port(80, "tcp", (Binding("0.0.0.0", 8080), Binding("::", 8080))),
        Port(443, "tcp"),
    )


def test_a_container_without_a_network_publishes_nothing() -> None:
    assert read_container(box(exposed=("80/tcp",), mode="none")).ports == (Port(80, "tcp"),)


@pytest.mark.parametrize(
    ("state", "live"),
    [
        ({}, True),
        ({"Paused": True}, False),
        ({"Restarting": True}, False),
        ({"Running": False}, False),
        ({"Dead": True}, False),
    ],
)
def test_what_counts_as_running(state: dict[str, Any], *, live: bool) -> None:
    assert read_container(box(state=state)).live is live


@pytest.mark.parametrize(
    ("told", "health"),
    [({}, ""), ({"Health": {"Status": "none"}}, ""), ({"Health": {"Status": "starting"}}, "starting")],
)
def test_health(told: dict[str, Any], health: str) -> None:
    assert read_container(box(state=told)).health == health


def test_networks_have_both_addresses() -> None:
    read = read_container(box(networks={"b": {"IPAddress": "", "GlobalIPv6Address": "fd00::2"}, "a": "10.0.0.2"}))
    assert read.networks == (Network("a", "10.0.0.2"), Network("b", "", "fd00::2"))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("15", 15),
        ("TERM", 15),
        ("SIGTERM", 15),
        ("sigquit", 3),
        ("SIGRTMIN+3", 37),
        ("SIGRTMIN", 34),
        ("WINCH?", 0),
        ("", 0),
    ],
)
def test_signals_have_linuxs_numbers(text: str, number: int) -> None:
    assert read_signal(text) == number


def test_nothing_but_an_id_is_a_container_too() -> None:
    read = read_container({"Id": "x"})
    assert (read.id, read.live, read.ports, read.stop_signal, read.stop_seconds) == ("x", False, (), 15, 10)
