from __future__ import annotations

import pytest

from deployer.machines.endpoint import active, docker_host
from deployer.model.cluster import Ssh
from tests.fakes import node

MASTER = node("master", "192.0.2.1", ssh=Ssh(user="root"))
SLAVE = node("slave", "2001:db8::1", ssh=Ssh(port=2222))
PLAIN = node("plain", "web.example.org")
HERE = node("here", "local")


@pytest.mark.parametrize(
    ("machine", "endpoint"),
    [
        (MASTER, "ssh://root@192.0.2.1"),
        (SLAVE, "ssh://[2001:db8::1]:2222"),
        (PLAIN, "ssh://web.example.org"),
        (HERE, "unix:///var/run/docker.sock"),
    ],
)
def test_what_docker_is_told(machine: object, endpoint: str) -> None:
    assert docker_host(machine) == endpoint  # type: ignore[arg-type] # parametrised


@pytest.mark.parametrize(
    ("docker_host", "name"),
    [
        ("ssh://root@192.0.2.1", "master"),
        ("ssh://root@192.0.2.1:22/", "master"),
        ("ssh://admin@192.0.2.1", None),
        ("ssh://[2001:db8::1]:2222", "slave"),
        ("ssh://WEB.example.org", "plain"),
        ("unix:///var/run/docker.sock", "here"),
        ("tcp://192.0.2.1:2376", None),
        ("", None),
    ],
)
def test_which_machine_is_active(docker_host: str, name: str | None) -> None:
    found = active((MASTER, SLAVE, PLAIN, HERE), {"DOCKER_HOST": docker_host})
    assert (found.name if found else None) == name
