from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.machines.endpoint import active, docker_host, endpoint
from deployer.machines.environment import variables
from deployer.model.cluster import Engine, Ssh
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


def test_where_the_engine_has_tls_docker_goes_there_by_itself() -> None:
    secured = replace(MASTER, engine=Engine(tls=True))
    assert endpoint(secured) == "tcp://192.0.2.1:2376"
    assert endpoint(secured, ssh=True) == endpoint(MASTER) == "ssh://root@192.0.2.1"
    assert endpoint(replace(SLAVE, engine=Engine(tls=True))) == "tcp://[2001:db8::1]:2376"
    assert endpoint(replace(HERE, engine=Engine(tls=True))) == "unix:///var/run/docker.sock"
    for either in (endpoint(secured), endpoint(secured, ssh=True)):
        assert active((MASTER, secured)[1:], {"DOCKER_HOST": either}) is secured


def test_the_variables_for_tls() -> None:
    secured = replace(MASTER, engine=Engine(tls=True))
    assert variables(secured, {}, no_proxy=False, certificates=Path("/data/tls/c")) == {
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_HOST": "tcp://192.0.2.1:2376",
        "DOCKER_CERT_PATH": "/data/tls/c",
        "DOCKER_MACHINE_NAME": "master",
    }
    assert variables(secured, {}, no_proxy=False)["DOCKER_TLS_VERIFY"] is None
