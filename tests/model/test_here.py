"""Every way to say this machine is this machine, and nothing else is."""

from __future__ import annotations

import pytest

from deployer.model.here import Here, read_ip

HERE = Here(frozenset({"Deploy01", "deploy01.example.org"}), ("192.0.2.7/32", "10.9.0.0/24", "2001:db8::7/128"))


@pytest.mark.parametrize(
    "address",
    [
        "local", "LOCAL", "localhost", "Localhost.", "localhost.localdomain", "a.b.localhost", "x.localhost.localdomain",
        "ip6-localhost", "ip6-loopback",
        "127.0.0.1", "127.0.0.1.", "127.9.8.7", "127.1", "127.0.1", "2130706433", "0x7f000001", "0X7F.1", "0177.0.0.1",
        "017700000001", "0", "0.0.0.0", "0x0", "0.1.2.3",
        "::1", "[::1]", "::1%lo", "0:0:0:0:0:0:0:1", "0::1", "::", "0:0:0:0:0:0:0:0",
        "::ffff:127.0.0.1", "::FFFF:7f00:1", "0:0:0:0:0:ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1",
        "192.0.2.7", "3221225991", "0xc0000207", "192.0.519", "::ffff:192.0.2.7", "10.9.0.200", "2001:db8::7", "2001:0db8:0::0007",
        "deploy01", "DEPLOY01.", "deploy01.example.org", "/var/run/docker.sock", "unix:///run/docker.sock", "", ".",
    ],
)  # fmt: skip
def test_this_machine(address: str) -> None:
    assert HERE.has_name(address)


@pytest.mark.parametrize(
    "address",
    [
        "192.0.2.8", "128.0.0.1", "10.9.1.1", "1.1.1.1", "2001:db8::8", "fe80::1", "::ffff:192.0.2.8", "64:ff9b::c000:208",
        "deploy02", "deploy01.example.com", "deploy", "example.org", "notlocalhost", "localhost.example.org", "local.example.org",
        "127.0.0.1.example.org", "127.0.0.256", "08", "1.2.3.4.5", "0x", "4294967296", "host.localdomain",
    ],
)  # fmt: skip
def test_other_machines(address: str) -> None:
    assert not HERE.has_name(address)


def test_without_any_names_the_loopback_is_still_known() -> None:
    assert Here().has_name("127.0.0.1")
    assert Here().has_name("localhost")
    assert not Here().has_name("192.0.2.7")


@pytest.mark.parametrize(
    ("text", "ip"),
    [
        ("1.2.3", "1.2.0.3"), ("1.2.772", "1.2.3.4"), ("1.131844", "1.2.3.4"), ("16909060", "1.2.3.4"), ("0x1.02.3.0x4", "1.2.3.4"),
        ("1.2.3.4.", "1.2.3.4"), ("1.2.3.08", None), ("1.2.3.1e1", None), ("-1", None), ("1..2", None), ("٣.0.0.1", None),
    ],
)  # fmt: skip
def test_loose_notations_are_read_as_inet_aton_reads_them(text: str, ip: str | None) -> None:
    found = read_ip(text)
    assert (str(found) if found else None) == ip
