"""What this machine is called: from the kernel's tables and /etc/hosts as they are, and from recorded ones."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from deployer.remote.this_machine import this_machine

if TYPE_CHECKING:
    from pathlib import Path

FIB = """\
Main:
  +-- 0.0.0.0/0 3 0 4
     |-- 0.0.0.0
        /0 universe UNICAST
        +-- 10.99.0.0/31 1 0 0
              |-- 10.99.0.0
                 /24 link UNICAST
              |-- 10.99.0.1
                 /32 host LOCAL
           |-- 10.99.0.255
              /32 link BROADCAST
Local:
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
     |-- 198.51.100.0
        /24 host LOCAL
"""
ROUTES = """\
fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
fd000000000000000000000000000002 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000003 00000000 80200001     eth0
"""
HOSTS = """\
127.0.0.1 localhost  # the loopback
127.0.1.1 deploy01.example.org deploy01
10.99.0.1 gateway
10.99.0.2 other
::1 ip6-localhost
nonsense
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in {
        "proc/net/fib_trie": FIB, "proc/net/ipv6_route": ROUTES, "etc/hosts": HOSTS,
        "etc/ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 AAAA root@deploy01\n",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_recorded_tables(root: Path) -> None:
    here = this_machine(root)
    assert here.networks == ("10.99.0.1/32", "127.0.0.0/8", "198.51.100.0/24", "fd00::2/128")
    assert here.host_keys == {"ssh-ed25519 AAAA"}
    assert all(
        map(here.has_name, ("deploy01", "deploy01.example.org", "gateway", "10.99.0.1", "198.51.100.77", "fd00::2"))
    )
    assert not any(map(here.has_name, ("other", "10.99.0.2", "10.99.0.255", "fd00::3", "nonsense")))


def test_the_real_ones_have_what_the_kernel_binds_to() -> None:
    """An address is this machine's own where a socket can be bound to it."""
    here = this_machine()
    assert here.has_name(socket.gethostname())
    assert here.has_name(os.uname().nodename.upper() + ".")
    for network in here.networks:
        address, _, length = network.partition("/")
        if length in {"32", "128"} and not address.startswith("fe80"):
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as bound:
                bound.bind((address, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as looking:
        try:
            looking.connect(("192.0.2.254", 9))  # sends nothing: which own address would it come from?
        except OSError:
            return
        assert here.has_name(looking.getsockname()[0])


def test_where_nothing_can_be_read(tmp_path: Path) -> None:
    assert this_machine(tmp_path).networks == ()
    assert this_machine(tmp_path).has_name("127.0.0.1")
