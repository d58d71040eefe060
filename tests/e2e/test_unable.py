"""A machine that is not able to get an engine: named in one line with what to do, and left as it was. One bare machine of its own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.e2e.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER = "name: unable\nssh: {user: root, identity_file: ~/.ssh/none}\n"
NODE = "address: 192.0.2.1\nswarm: manager\n"


@pytest.fixture(scope="module")
def bare_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    standing = Standing("unable", tmp_path_factory.mktemp("unable"))
    (standing.repo / "cluster/nodes").mkdir(parents=True)
    (standing.repo / "cluster/cluster.yaml").write_text(CLUSTER)
    (standing.repo / "cluster/nodes/one.yaml").write_text(NODE)
    with standing.machines("One machine"):
        yield standing


def as_it_is(standing: Standing) -> str:
    """Packages and configuration, by name, size and time."""
    listing = "dpkg -l; find /etc /usr/bin /var/lib/dpkg/info /var/lib/deployer -type f -printf '%p %s %T@\\n' 2>/dev/null | sort"
    return standing.on("one", "sh", "-c", listing)


@contextlib.contextmanager
def broken(standing: Standing, breaking: str, mending: str) -> Iterator[None]:
    standing.on("one", "sh", "-c", breaking)
    try:
        yield
    finally:
        standing.on("one", "sh", "-c", mending)


FAULTS = {
    "full disk": (
        "mount -t tmpfs -o size=64m tmpfs /var/cache", "umount /var/cache",
        "its disk is full: less than 500 MB are free in /var/cache", "df -h /var/cache",
    ),
    "read-only disk": (
        "mount --bind /usr /usr && mount -o remount,bind,ro /usr", "umount --lazy /usr",
        "/usr cannot be written", "its disk is read-only or full",
    ),
    "no apt": (
        "mv /usr/bin/apt-get /usr/bin/apt-get.away", "mv /usr/bin/apt-get.away /usr/bin/apt-get",
        "it has no apt-get", "engine.install to none",
    ),
    "no network": (
        "iptables -I OUTPUT -p udp --dport 53 -j REJECT; iptables -I OUTPUT -p tcp --syn -j REJECT; rm -rf /var/lib/apt/lists/*",
        "iptables -F OUTPUT",
        "its package archives do not answer", "see that it reaches the network",
    ),
    "a clock that is a day behind": (
        "printf '#!/bin/sh\\nexec /bin/date -d \"1 day ago\" \"$@\"\\n' >/usr/local/bin/date && chmod +x /usr/local/bin/date",
        "rm /usr/local/bin/date",
        "its clock is 24 h behind", "timedatectl set-ntp true",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_named_with_what_to_do_and_the_machine_is_as_it_was(bare_one: Standing, fault: str) -> None:
    breaking, mending, reason, advice = FAULTS[fault]
    before = as_it_is(bare_one)
    with broken(bare_one, breaking, mending):
        told = bare_one.deployer("machine", "provision", "one")
    assert told.returncode == 1, told.stdout + told.stderr
    assert "Traceback" not in told.stderr
    assert reason in told.stdout, told.stdout + told.stderr
    assert advice in told.stdout
    assert as_it_is(bare_one) == before
