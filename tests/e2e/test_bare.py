"""Bare machines: a plan says all that will be done, and changes nothing. The tutorial's test goes on from there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.e2e.cluster import Cluster
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.standing import Standing


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """The same machines, to which nothing was applied."""
    with Cluster("bare", tmp_path_factory.mktemp("bare")).machines() as made:
        yield made


def _software(bare: Standing) -> list[set[str]]:
    """What differs from the image under /etc and /usr on each machine, once it has booted."""
    found = []
    for name in ("consul", "master", "slave", "slave2"):
        bare.on(name, "sh", "-c", "systemctl is-system-running --wait || true")
        lines = bare.host("diff", bare.container(name)).splitlines()
        found.append({line for line in lines if line.split()[1].startswith(("/etc/", "/usr/"))})
    return found


def test_bare_machines_have_nothing_and_the_plan_says_everything(bare: Standing) -> None:
    before = _software(bare)
    planned = bare.deployer("plan", "--detailed-exitcode")
    after = _software(bare)
    assert planned.returncode == 2, planned.stderr
    for words in (
        "install Docker",
        "start the swarm",
        "join the swarm",
        "deployer-consul",
        "create service, 3 replicas",
    ):
        assert words in planned.stdout
    assert before == after, "a plan changed a machine"


def test_a_bare_server_with_a_web_server_of_its_own_is_named_before_anything_is_done(bare: Standing) -> None:
    """The tutorial of 2016 found out at its end, and helped itself with `tcpkill -9 port 80`."""
    own = ("/usr/sbin/sshd", "-D", "-p", "80", "-o", "PidFile=/run/own-web.pid")
    bare.on("master", "systemd-run", "--quiet", "--unit=own-web", *own)
    try:
        wait_until(lambda: ":80 " in bare.on("master", "ss", "-Hltn"))
        planned = bare.deployer("plan")
    finally:
        bare.on("master", "systemctl", "stop", "own-web")
    assert planned.returncode == 1, planned.stdout
    place = r"! stacks/proxy/compose\.yaml:\d+:\d+: "
    assert re.search(
        place + r"service proxy_nginx: port 80/tcp of master is held by sshd \(process \d+\)", planned.stdout
    )
