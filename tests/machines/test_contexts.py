"""Contexts of the real docker client, in a store of its own."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app
from deployer.errors import DeployerError, UsageError
from deployer.machines.contexts import contexts_document, list_wanted, remove, sync
from deployer.model.cluster import Engine, Ssh
from tests.fakes import cluster, node
from tests.needs import DOCKER
from tests.report.schemas import check

if TYPE_CHECKING:
    from pathlib import Path

    from tests.source.conftest import Repo

pytestmark = DOCKER
A = node("a", "192.0.2.1", role="worker")
B = node("b", "2001:db8::2", role="manager", ssh=Ssh(user="admin", port=2222))
BOTH = cluster(A, B)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("DOCKER_CONTEXT", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "docker"


def docker(*words: str) -> str:
    return subprocess.run(("docker", *words), check=True, capture_output=True, text=True).stdout


def contexts() -> dict[str, str]:
    """What the client itself says, and nothing but."""
    listed = json.loads(docker("context", "inspect", *docker("context", "ls", "-q").split()))
    return {one["Name"]: one["Endpoints"]["docker"]["Host"] for one in listed if one["Name"] != "default"}


def states(done: Any) -> dict[str, str]:
    return {one.name: one.state for one in done}


def test_each_machine_has_one_and_the_cluster_s_leads_to_a_manager() -> None:
    assert states(sync(BOTH)) == {"test": "created", "test-a": "created", "test-b": "created"}
    manager = "ssh://admin@[2001:db8::2]:2222"
    assert contexts() == {"test": manager, "test-a": "ssh://192.0.2.1", "test-b": manager}
    assert set(states(sync(BOTH)).values()) == {"unchanged"}


def test_one_that_leads_elsewhere_is_corrected() -> None:
    sync(BOTH)
    moved = cluster(node("a", "192.0.2.9", role="worker"), B)
    assert states(sync(moved)) == {"test": "unchanged", "test-a": "updated", "test-b": "unchanged"}
    assert contexts()["test-a"] == "ssh://192.0.2.9"


def test_somebody_else_s_is_never_overwritten_nor_removed() -> None:
    docker("context", "create", "test-a", "--description", "mine", "--docker", "host=ssh://other")
    docker("context", "create", "else", "--docker", "host=ssh://other")
    sync(replace(cluster(A), name="testing"))
    assert states(sync(BOTH, prune=True)) == {"test": "created", "test-a": "foreign", "test-b": "created"}
    assert contexts()["test-a"] == "ssh://other"
    assert states(remove(BOTH)) == {"test": "removed", "test-b": "removed"}
    assert contexts() == {"test-a": "ssh://other", "else": "ssh://other", "testing-a": "ssh://192.0.2.1"}


def test_what_git_no_longer_has_goes_when_asked_for_even_in_use() -> None:
    sync(BOTH)
    docker("context", "use", "test-a")
    assert states(sync(cluster(B)))["test-a"] == "left over"
    assert "test-a" in contexts()
    assert states(sync(cluster(B), prune=True))["test-a"] == "removed"
    assert docker("context", "show").strip() == "default"


def test_another_prefix_leaves_the_old_ones_over() -> None:
    sync(BOTH)
    assert states(sync(BOTH, "prod_", prune=True)) == {
        "test": "unchanged", "prod_a": "created", "prod_b": "created", "test-a": "removed", "test-b": "removed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("machines", "prefix"),
    [((node("test"), B), ""), ((node("default"), B), ""), ((node("a"), B), "so much "), ((node("a"),), "")],
)
def test_a_name_that_docker_or_the_cluster_has_another_use_for(machines: Any, prefix: str) -> None:
    with pytest.raises(UsageError):
        list_wanted(cluster(*machines), prefix)


def test_without_a_docker_client_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeployerError, match="there is no `docker` on this machine"):
        sync(BOTH)


def test_a_store_that_cannot_be_written_is_said_in_one_line(store: Path) -> None:
    store.write_text("no folder")
    with pytest.raises(DeployerError, match=r"`docker context \w+` failed: .*not a directory"):
        sync(BOTH)


def test_the_document_is_as_its_schema_says() -> None:
    check("contexts", contexts_document(BOTH, sync(BOTH)))


def test_the_command_names_what_is_not_ours_and_refuses(repository: Repo) -> None:
    repository.commit({"cluster/nodes/a.yaml": "address: 192.0.2.1\nswarm: manager\n"})
    docker("context", "create", "test-a", "--docker", "host=ssh://other")
    ran = CliRunner().invoke(app, ["context", "sync", "--repo", str(repository.path)])
    assert [line.split() for line in ran.stdout.splitlines()[1:]] == [
        ["test", "created", "ssh://root@192.0.2.1"],
        ["test-a", "foreign", "ssh://root@192.0.2.1"],
    ]
    assert ran.exception
    assert getattr(ran.exception, "exit_code", None) == 5


def test_where_the_engine_has_tls_it_goes_there_with_certificates_that_are_kept_up_to_date(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deployer.certificates.store import client_folder, new_authority, server_files  # noqa: PLC0415 - for this one

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    both = cluster(replace(A, engine=Engine(tls=True)), B)
    sync(both)
    assert contexts()["test-a"] == "ssh://192.0.2.1", "without certificates there is SSH still"
    server_files("test", ("a",))
    assert states(sync(both)) == {"test": "unchanged", "test-a": "updated", "test-b": "unchanged"}
    assert contexts()["test-a"] == "tcp://192.0.2.1:2376"
    assert set(states(sync(both)).values()) == {"unchanged"}
    new_authority("test")
    assert states(sync(both))["test-a"] == "updated"
    (kept,) = store.glob("contexts/tls/*/docker/cert.pem")
    assert kept.read_bytes() == (client_folder("test") / "cert.pem").read_bytes()
    assert states(sync(BOTH))["test-a"] == "updated"
    assert contexts()["test-a"] == "ssh://192.0.2.1"
