"""What makes everybody's own ssh know the machines, and what takes it away again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.errors import DeployerError
from deployer.machines.ssh_config import INCLUDE, install, text, uninstall
from deployer.model.cluster import Ssh
from tests.fakes import cluster, node
from tests.remote.sshd import HOST_KEY

if TYPE_CHECKING:
    from pathlib import Path

KEY = " ".join(HOST_KEY.export_public_key().decode().split()[:2])
CLUSTER = cluster(
    node("a", "192.0.2.1", ssh=Ssh(user="admin", port=2222, identity_file="~/.ssh/a key")),
    node("here", "local"),
    known_hosts=f"192.0.2.1 {KEY}\n",
)
OWN = "Host *\n    User me\n"


def test_each_machine_has_its_part_and_this_one_has_none(home: Path) -> None:
    told = text(CLUSTER)
    assert told.count("\nHost ") == 1
    for line in ("Host 192.0.2.1", "    User admin", "    Port 2222", '    IdentityFile "~/.ssh/a key"'):
        assert line in told.splitlines()
    (file,) = [line.split()[1] for line in told.splitlines() if "UserKnownHostsFile" in line]
    assert file.startswith(str(home / ".ssh/deployer/test/"))
    with open(file, encoding="utf-8") as known:  # noqa: PTH123 - a name, as ssh reads it
        assert known.read() == f"a {KEY}\n"


@pytest.mark.parametrize("present", [None, OWN])
def test_what_was_there_comes_after_it_and_stays_when_it_goes(home: Path, present: str | None) -> None:
    config = home / ".ssh" / "config"
    if present is not None:
        config.write_text(present, "utf-8")
    said: list[str] = []
    install(CLUSTER, said.append)
    assert config.read_text("utf-8") == (f"{INCLUDE}\n\n{present}" if present else f"{INCLUDE}\n")
    assert {path.stat().st_mode & 0o777 for path in (config, home / ".ssh/deployer/test.conf")} == {0o600}
    assert len(said) == 2
    install(CLUSTER, said.append)
    assert len(said) == 2, "the second time there is nothing to write"
    uninstall(CLUSTER, said.append)
    assert config.read_text("utf-8") == (present or "")
    assert [path.name for path in (home / ".ssh").iterdir() if path.name != "deployer"] == ["config"]


def test_the_line_stays_while_another_cluster_needs_it(home: Path) -> None:
    install(CLUSTER, list[str]().append)
    (home / ".ssh/deployer/other.conf").touch()
    uninstall(CLUSTER, list[str]().append)
    assert (home / ".ssh/config").read_text("utf-8") == f"{INCLUDE}\n"


def test_a_config_that_is_a_link_stays_one(home: Path) -> None:
    (home / "dotfiles").write_text(OWN, "utf-8")
    (home / ".ssh/config").symlink_to(home / "dotfiles")
    install(CLUSTER, list[str]().append)
    assert (home / ".ssh/config").is_symlink()
    assert (home / "dotfiles").read_text("utf-8").startswith(INCLUDE)


@pytest.mark.parametrize(("content", "why"), [(None, "Is a directory"), (b"\xff\xfe", "it is no UTF-8")])
def test_a_config_that_cannot_be_read_is_left_alone(home: Path, content: bytes | None, why: str) -> None:
    config = home / ".ssh/config"
    config.mkdir() if content is None else config.write_bytes(content)
    with pytest.raises(DeployerError) as caught:
        install(CLUSTER, list[str]().append)
    assert (caught.value.message, caught.value.help) == (
        f"{config} cannot be read: {why}",
        "mend or move it, then run this again",
    )
