"""Who holds a port: lines that ss printed on Debian 12, and a real socket of this very process."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess

import pytest

from deployer.model.observed import PortHeld
from deployer.observe.holders import holders_command, read_holders

PRINTED = """\
udp   UNCONN 0      0          127.0.0.11:45678      0.0.0.0:*    users:(("dockerd",pid=161,fd=35))
udp   UNCONN 0      0             0.0.0.0:53         0.0.0.0:*    users:(("dnsmasq",pid=77,fd=4))
tcp   LISTEN 0      511           0.0.0.0:80         0.0.0.0:*    users:(("nginx",pid=123,fd=6),("nginx",pid=122,fd=6))
tcp   LISTEN 0      4096          0.0.0.0:8080       0.0.0.0:*    users:(("docker-proxy",pid=901,fd=4))
tcp   LISTEN 0      4096                *:2377             *:*    users:(("dockerd",pid=161,fd=20))
tcp   LISTEN 0      128              [::]:22            [::]:*    users:(("sshd",pid=88,fd=4))
tcp   LISTEN 0      5           127.0.0.1:5000       0.0.0.0:*
"""


def test_processes_are_named_and_dockers_own_are_left_out() -> None:
    assert sorted(read_holders(PRINTED)) == [
        PortHeld(22, "tcp", "sshd (process 88)"),
        PortHeld(53, "udp", "dnsmasq (process 77)"),
        PortHeld(80, "tcp", "nginx (process 123)"),
        PortHeld(5000, "tcp", "a process"),
    ]


def test_whatever_else_is_printed_is_no_port() -> None:
    assert list(read_holders("\nNetid State\nss: error\ntcp LISTEN 0 5 nonsense x\n")) == []


@pytest.mark.skipif(shutil.which("ss") is None, reason="no ss here")
def test_the_command_finds_a_real_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        printed = subprocess.run(holders_command().argv, capture_output=True, text=True, check=True).stdout
    found = [one.holder for one in read_holders(printed) if one.port == port]
    assert len(found) == 1
    assert f"(process {os.getpid()})" in found[0] or found[0] == "a process"
