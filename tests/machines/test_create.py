"""docker-machine's flags and its store: what they mean today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import UsageError
from deployer.machines.create import Flags, create_machine
from deployer.machines.node_file import Wanted
from deployer.machines.store import default, read_store

TUTORIAL = Flags(
    "master", "203.0.113.10", key="~/.ssh/id_rsa", swarm=True, swarm_master=True,
    options=("cluster-store=consul://203.0.113.9:8500", "cluster-advertise=eth1:2376"),
    others={"swarm-discovery": "consul://203.0.113.9:8500"},
)  # fmt: skip


def test_the_tutorials_master() -> None:
    made = create_machine(TUTORIAL)
    assert made.wanted == Wanted("master", "203.0.113.10", "manager", key="~/.ssh/id_rsa", advertise="eth1")
    assert [note.partition(":")[0] for note in made.notes] == [
        "--swarm-discovery", "--engine-opt cluster-store", "--engine-opt cluster-advertise", "--swarm",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "daemon"),
    [
        (("log-driver=json-file", "log-opt=max-size=10m", "log-opt max-file=3"), None),
        (
            ("log-driver=json-file", "log-opt=max-size=10m"),
            {"log-driver": "json-file", "log-opts": {"max-size": "10m"}},
        ),
        (("debug", "live-restore=true", "mtu=1400"), {"debug": True, "live-restore": True, "mtu": 1400}),
        (("--dns=1.1.1.1", "dns=8.8.8.8"), {"dns": ["1.1.1.1", "8.8.8.8"]}),
        (("graph=/srv/docker",), {"data-root": "/srv/docker"}),
        (("storage-driver=aufs", "host=tcp://0.0.0.0:2375", "tlsverify"), {}),
    ],
)
def test_options_of_the_engine(options: tuple[str, ...], daemon: dict[str, Any] | None) -> None:
    made = create_machine(Flags("a", "192.0.2.1", options=options))
    if daemon is not None:
        assert made.wanted.daemon == daemon


def test_what_is_not_written_is_said() -> None:
    made = create_machine(
        Flags(
            "a",
            "192.0.2.1",
            storage_driver="aufs",
            environment=("HTTP_PROXY=http://u:secret@p", "TZ=UTC"),
            install_url="https://x/y.sh",
        )
    )
    assert made.wanted == Wanted("a", "192.0.2.1")
    assert [note.partition(":")[0] for note in made.notes] == [
        "--engine-storage-driver", "--engine-env HTTP_PROXY", "--engine-env TZ", "--engine-install-url https",
    ]  # fmt: skip
    assert "secret" not in "".join(made.notes)


@pytest.mark.parametrize(("url", "install"), [("https://get.docker.com", "docker"), ("none", "none"), (None, None)])
def test_where_docker_comes_from(url: str | None, install: str | None) -> None:
    assert create_machine(Flags("a", "192.0.2.1", install_url=url)).wanted.install == install


def test_an_option_without_a_name() -> None:
    with pytest.raises(UsageError):
        create_machine(Flags("a", "192.0.2.1", options=("=x",)))


CONFIG: dict[str, Any] = {
    "ConfigVersion": 3,
    "Driver": {
        "IPAddress": "203.0.113.10", "MachineName": "Web.1", "SSHUser": "ubuntu", "SSHPort": 2222, "SSHKeyPath": "",
        "StorePath": "/home/ann/.docker/machine", "SwarmMaster": False, "EnginePort": 2376, "SSHKey": "",
    },
    "DriverName": "generic",
    "HostOptions": {
        "Driver": "",
        "EngineOptions": {
            "ArbitraryFlags": ["cluster-advertise=eth1:2376"], "Env": None, "InsecureRegistry": [],
            "Labels": ["disk=ssd", "provider=generic"], "RegistryMirror": ["https://mirror.example.org"],
            "InstallURL": "https://get.docker.com", "StorageDriver": "",
        },
        "SwarmOptions": {"IsSwarm": True, "Master": False, "Discovery": "consul://203.0.113.9:8500", "Strategy": "spread"},
        "AuthOptions": {"CaCertPath": "/home/ann/.docker/machine/certs/ca.pem"},
    },
    "Name": "Web.1",
}  # fmt: skip


def store(folder: Path, **machines: Any) -> Path:
    for name, config in machines.items():
        path = folder / "machines" / name / "config.json"
        path.parent.mkdir(parents=True)
        path.write_text(config if isinstance(config, str) else json.dumps(config), "utf-8")
    return folder


def test_a_machine_of_the_store(tmp_path: Path, home: Path) -> None:
    key = home / ".docker/machine/machines/Web.1/id_rsa"
    config = {**CONFIG, "Driver": {**CONFIG["Driver"], "SSHKeyPath": str(key)}}
    (found,), broken = read_store(store(tmp_path / "store", **{"Web.1": config}))
    assert broken == ()
    wanted = found.wanted
    assert (wanted.name, wanted.address, wanted.role, wanted.user, wanted.port) == (
        "web-1",
        "203.0.113.10",
        "worker",
        "ubuntu",
        2222,
    )
    assert (wanted.key, wanted.advertise) == ("~/.docker/machine/machines/Web.1/id_rsa", "eth1")
    assert wanted.daemon == {}, (
        "they stand in the unit that docker-machine wrote, and an engine with both does not start"
    )
    assert wanted.remarks[-1] == '  daemon: {labels: ["disk=ssd"], registry-mirrors: ["https://mirror.example.org"]}'
    assert any("is not there: set ssh.identity_file" in note for note in found.notes)
    assert list((tmp_path / "store").rglob("*.pem")) == []


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"Driver": null}', '{"Driver": {"IPAddress": ""}}', "\0\xff"])
def test_what_is_no_machine_is_named_and_holds_nothing_up(tmp_path: Path, text: str) -> None:
    found, broken = read_store(store(tmp_path / "store", good=CONFIG, bad=text))
    assert [one.wanted.address for one in found] == ["203.0.113.10"]
    assert len(broken) == 1
    assert "bad/config.json" in broken[0]


def test_a_driver_that_made_machines_is_said_to_be_the_providers_business(tmp_path: Path) -> None:
    (found,), _ = read_store(store(tmp_path / "store", a={**CONFIG, "DriverName": "virtualbox"}))
    assert any("virtualbox" in note for note in found.notes)


def test_no_store(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MACHINE_STORAGE_PATH", raising=False)
    assert default() == home / ".docker" / "machine"
    with pytest.raises(UsageError, match="is no store of docker-machine"):
        read_store(tmp_path)
    monkeypatch.setenv("MACHINE_STORAGE_PATH", "/srv/machine")
    assert default() == Path("/srv/machine")
