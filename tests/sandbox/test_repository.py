from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import DeployerError, UsageError
from deployer.sandbox import repository, spec


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    nodes = tmp_path / "cluster" / "nodes"
    nodes.mkdir(parents=True)
    (tmp_path / "cluster" / "cluster.yaml").write_text("name: t\nssh: {user: root} # s\n")
    (nodes / "b.yaml").write_text("address: 203.0.113.2 # b\n")
    (nodes / "a.yaml").write_text("address: 203.0.113.1\nswarm: manager\n")
    (nodes / "here.yaml").write_text("address: local\n")
    return tmp_path


def sandbox(identity_file: Path) -> spec.Sandbox:
    return spec.Sandbox(
        name="try",
        machines=(
            spec.Machine("a", "10.99.0.11", "running", ssh=True),
            spec.Machine("b", "10.99.0.12", "running", ssh=True),
        ),
        identity_file=identity_file,
        known_hosts="10.99.0.11 ssh-ed25519 A\n10.99.0.12 ssh-ed25519 B\n",
        registry="",
        registry_state="",
        subnet="",
    )


def test_machines_are_the_nodes_that_are_not_this_machine(tree: Path) -> None:
    assert repository.repository_machines(tree) == ("a", "b")


def test_a_folder_without_machines_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no machines"):
        repository.repository_machines(tmp_path)


def test_a_node_file_that_is_not_yaml_is_named(tree: Path) -> None:
    (tree / "cluster" / "nodes" / "a.yaml").write_text("address: [\n")
    with pytest.raises(DeployerError, match=r"a\.yaml"):
        repository.repository_machines(tree)


def test_addresses_key_and_host_keys_are_written_once(tree: Path) -> None:
    said: list[str] = []
    repository.write_repository(tree, sandbox(Path("/keys/id")), said.append)
    cluster = tree / "cluster"
    assert (cluster / "nodes" / "a.yaml").read_text() == "address: 10.99.0.11\nswarm: manager\n"
    assert (cluster / "nodes" / "b.yaml").read_text() == "address: 10.99.0.12 # b\n"
    assert (cluster / "nodes" / "here.yaml").read_text() == "address: local\n"
    assert (cluster / "cluster.yaml").read_text() == "name: t\nssh: {user: root, identity_file: /keys/id} # s\n"
    assert (cluster / "known_hosts").read_text() == sandbox(Path()).known_hosts
    assert len(said) == 4
    repository.write_repository(tree, sandbox(Path("/keys/id")), said.append)
    assert len(said) == 4


def test_a_path_below_home_is_written_for_everybody() -> None:
    assert repository.in_home(Path("/home/x/.local/k"), Path("/home/x")) == "~/.local/k"
    assert repository.in_home(Path("/srv/k"), Path("/home/x")) == "/srv/k"
