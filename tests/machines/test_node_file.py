"""What is written is what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.machines.node_file import Wanted, text
from deployer.model.cluster import Engine, Ssh
from deployer.source import load_cluster

if TYPE_CHECKING:
    from deployer.workflow.validate import Source
    from tests.source.conftest import Repo

FULL = Wanted(
    "web1", "203.0.113.10", "manager", "admin", 2222, "~/.ssh/my key", "eth1", {"zone": "par1", "on": "yes", "n": "1"},
    "drain", None, "none", {"labels": ["a=b: c"], "debug": True, "mtu": 1400, "registry-mirrors": None}, ("a remark",), True,
)  # fmt: skip


def test_a_full_file_means_what_was_wanted(repository: Repo, source: Source) -> None:
    repository.write({FULL.path: text(FULL)})
    node = load_cluster(source.repo, worktree=True)[1].node("web1")
    assert (node.address, node.role, node.advertise, node.availability) == ("203.0.113.10", "manager", "eth1", "drain")
    assert node.ssh == Ssh(user="admin", port=2222, identity_file="~/.ssh/my key", sudo="password")
    assert dict(node.labels) == {"zone": "par1", "on": "yes", "n": "1"}
    assert node.engine == Engine(install="none", daemon={"debug": True, "labels": ["a=b: c"], "mtu": 1400})


def test_a_short_file_teaches_the_rest(repository: Repo, source: Source) -> None:
    short = Wanted("web1", "web1.example.org", "manager")
    assert text(short) == (
        "# Where SSH reaches the machine.\n"
        "address: web1.example.org\n"
        "\n"
        "# manager, worker, or none: not part of the swarm. Use 1, 3 or 5 managers.\n"
        "swarm: manager\n"
        "# The interface (or address) at which the other machines reach this one.\n"
        "# advertise: eth0\n"
        "# For `deploy.placement.constraints`: node.labels.zone == a\n"
        "# labels: {zone: a}\n"
    )
    repository.write({short.path: text(short)})
    assert load_cluster(source.repo, worktree=True)[1].node("web1").ssh == Ssh(user="root")


@pytest.mark.parametrize("value", ["yes", "null", "1.5", "0x1f", "a: b", "#x", "- x", "*a", "&a", "é", "", "~"])
def test_any_label_comes_back_as_it_was(repository: Repo, source: Source, value: str) -> None:
    repository.write({"cluster/nodes/a.yaml": text(Wanted("a", "192.0.2.1", labels={"k": value}))})
    assert dict(load_cluster(source.repo, worktree=True)[1].node("a").labels) == {"k": value}
