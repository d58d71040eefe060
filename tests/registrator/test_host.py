from __future__ import annotations

import pytest

from deployer.registrator.host import read_host
from deployer.registrator.network import Host


@pytest.mark.parametrize(
    ("hostname", "resolved", "node", "host"),
    [
        ("slave", "10.0.0.2", "", Host("slave", "10.0.0.2", "E")),
        ("chosen", "10.0.0.2", "10.0.0.9", Host("chosen", "10.0.0.2", "E")),
        ("slave", "127.0.1.1", "10.0.0.9", Host("slave", "10.0.0.9", "E")),
        ("slave", "127.0.1.1", "", Host("slave", "192.0.2.5", "E")),
        ("slave", "", "", Host("slave", "192.0.2.5", "E")),
        ("0123456789ab", "172.17.0.5", "10.0.0.9", Host("machine", "10.0.0.9", "E")),
        ("", "", "", Host("machine", "192.0.2.5", "E")),
    ],
)
def test_name_and_address(hostname: str, resolved: str, node: str, host: Host) -> None:
    info = {"Name": "machine", "ID": "E", "Swarm": {"NodeAddr": node}}
    assert read_host(info, hostname, lambda _: resolved, lambda: "192.0.2.5") == host
