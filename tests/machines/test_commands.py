"""The commands as they are typed, on a real repository and over real SSH."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from deployer.cli.app import app
from deployer.cli.errors import run
from tests.machines.engines import ALONE, closed, served
from tests.remote.sshd import HOST_KEY, USER_KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.source.conftest import Repo

    Cli = Callable[..., "Ran"]

PRINT = HOST_KEY.get_fingerprint()


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def cli(repository: Repo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    monkeypatch.chdir(repository.path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    repository.commit({"cluster/nodes/here.yaml": "address: local\nswarm: manager\n"})

    def call(*argv: str) -> Ran:
        code = run(app, argv)
        return Ran(code, *capsys.readouterr())

    return call


def machine(name: str, port: int, key: Path) -> dict[str, Any]:
    """A machine as docker-machine kept it."""
    driver = {"IPAddress": "127.0.0.1", "MachineName": name, "SSHUser": "root", "SSHPort": port, "SSHKeyPath": str(key)}
    return {"ConfigVersion": 3, "Driver": driver, "DriverName": "generic", "HostOptions": {}, "Name": name}


def test_a_store_is_imported_as_far_as_its_machines_answer(cli: Cli, repository: Repo, tmp_path: Path) -> None:
    key = tmp_path / "id"
    key.write_bytes(USER_KEY.export_private_key())
    key.chmod(0o600)
    store = tmp_path / "store"
    with served(ALONE, commands=True) as (port,):
        for name, at in (("good", port), ("gone", closed())):
            path = store / "machines" / name / "config.json"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(machine(name, at, key)), "utf-8")
        before = sorted((path, path.stat().st_mtime_ns) for path in store.rglob("*"))
        code, out, err = cli("machine", "import", str(store), "--fingerprint", PRINT, "--commit")
    assert code == 1, err
    assert "note: left out: gone: 127.0.0.1: Connection refused" in out.splitlines()
    assert repository.git("show", "--name-only", "--format=%s", "HEAD").split("\n") == [
        "Import machine good", "", "cluster/known_hosts", "cluster/nodes/good.yaml",
    ]  # fmt: skip
    assert sorted((path, path.stat().st_mtime_ns) for path in store.rglob("*")) == before


def test_add_writes_and_ls_lists_it(cli: Cli, tmp_path: Path) -> None:
    key = tmp_path / "id"
    key.write_bytes(USER_KEY.export_private_key())
    key.chmod(0o600)
    with served(ALONE, commands=True) as (port,):
        ssh = ("--ssh-port", str(port), "--ssh-key", str(key))
        code, out, err = cli("m", "add", "web", "--address", "127.0.0.1", *ssh, "--yes", "--commit", "--json")
        assert (code, json.loads(out)["machines"][0]["fingerprint"]) == (0, PRINT), err
        listed = cli("m", "ls", "--filter", "name=web", "--format", "{{.Name}} {{.State}} {{.DockerVersion}}")
    assert listed == (0, "web Running v26.1.5\n", "")


def test_what_is_about_this_machine_asks_nobody(cli: Cli) -> None:
    assert cli("m", "url").out == "unix:///var/run/docker.sock\n"
    assert cli("m", "config", "here").out == "-H=unix:///var/run/docker.sock\n"
    assert cli("m", "ip").out == "127.0.0.1\n"
    assert cli("m", "ls", "-q").out == "here\n"
    assert cli("env", "here").out.splitlines()[2:4] == [
        'export DOCKER_HOST="unix:///var/run/docker.sock"', 'export DOCKER_MACHINE_NAME="here"',
    ]  # fmt: skip
    assert cli("m", "active") == (
        1, "", "deployer: No active host found\n  = help: eval $(deployer env NAME) makes one active\n",
    )  # fmt: skip
    assert cli("m", "inspect", "-f", "{{.DriverName}} {{json .Deployer.Labels}}").out == "local {}\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("env", "--swarm", "web"), "there is no machine 'web'"),
        (("env", "-u", "here"), "--unset names no machine"),
        (
            ("m", "create", "-d", "amazonec2", "web"),
            "the driver amazonec2 makes machines, and deployer takes those that are there",
        ),
        (("m", "create", "web"), "--generic-ip-address is missing"),
        (("m", "add", "web", "--address", "a", "--swarm", "boss"), "--swarm 'boss' is none of manager, worker, none"),
        (("m", "add", "web", "--address", "a", "--label", "x"), "--label 'x' is no KEY=VALUE"),
        (("m", "ssh", "here"), "here is this machine, which needs no SSH"),
        (("m", "ls", "--filter", "x"), "'x' is no filter"),
        (("m", "regenerate-certs"), "no machine has `engine: {tls: true}`"),
        (("m", "regenerate-certs", "here"), "here: no certificates there"),
        (("m", "regenerate-certs", "--client-certs", "--finish"), "--client-certs begins what --finish ends"),
    ],
)
def test_mistakes_are_answered_in_one_line(cli: Cli, argv: tuple[str, ...], message: str) -> None:
    code, out, err = cli(*argv)
    assert (code in {1, 2}, out, err.splitlines()[0]) == (True, "", f"deployer: {message}")


def test_an_engine_with_tls_wants_its_clients_certificates(
    cli: Cli, repository: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deployer.certificates.store import server_files  # noqa: PLC0415 - it costs something, and is for this one

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    repository.write({"cluster/nodes/web.yaml": "address: 192.0.2.7\nswarm: none\nengine: {tls: true}\n"})
    repository.commit()
    assert cli("m", "url", "web").out == "tcp://192.0.2.7:2376\n"
    assert cli("m", "url", "--ssh", "web").out == "ssh://root@192.0.2.7\n"
    for command in (("env", "web"), ("m", "config", "web")):
        refused = cli(*command)
        assert (refused.code, refused.out) == (1, "")
        assert "there are no certificates for cluster" in refused.err
    name = refused.err.partition("for cluster ")[2].split()[0]
    server_files(name, ("web",))
    folder = tmp_path / "data/deployer/tls" / name
    assert cli("m", "config", "web").out.splitlines() == [
        "--tlsverify",
        f'--tlscacert="{folder}/ca.pem"',
        f'--tlscert="{folder}/cert.pem"',
        f'--tlskey="{folder}/key.pem"',
        "-H=tcp://192.0.2.7:2376",
    ]
    assert f'export DOCKER_CERT_PATH="{folder}"' in cli("env", "web").out.splitlines()
    assert 'export DOCKER_HOST="ssh://root@192.0.2.7"' in cli("env", "--ssh", "web").out.splitlines()
