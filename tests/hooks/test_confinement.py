"""The attacks of attacks.py, each as a real push: refused at its line, with the setting that would let it in, and nothing is read or asked."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import pytest

from deployer.remote.this_machine import this_machine
from tests.encrypted.conftest import SOPS
from tests.encrypted.vault import Vault, vault
from tests.hooks.attacks import ATTACKS, CLUSTER, MACHINE, Attack
from tests.hooks.conftest import Clone, Pushed, clone_of, make_server, plain
from tests.hooks.test_pushes import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.hooks.conftest import Server

TOKEN = "0ca9a12e-5ec2-4e70-9f51-a5e0f1c3d7b9"
GOSSIP = base64.b64encode(b"canary of the gossip key, 32 by.").decode()
VAULT_TOKEN = "canary-token-of-vault"
PLAYED = [attack for attack in ATTACKS if not attack.played]


@dataclass(frozen=True)
class World:
    """The machine that deploys, with secrets in its account's home, and a key service that listens."""

    clone: Clone
    service: Vault
    home: Path
    places: dict[str, str]
    canaries: tuple[str, ...]

    @property
    def server(self) -> Server:
        return self.clone.server

    def fill(self, text: str) -> str:
        for place, value in self.places.items():
            text = text.replace(f"{{{place}}}", value)
        return text

    def allow(self, *entries: str) -> None:
        self.server.git("config", "--unset-all", "deployer.allow")
        for entry in entries:
            self.server.git("config", "--add", "deployer.allow", self.fill(entry))

    def attempt(self, attacks: Sequence[Attack], *arguments: str) -> Pushed:
        """Pushes all of them at once; afterwards the clone is as it was."""
        before = self.clone.git("rev-parse", "HEAD")
        self.clone.commit({path: self.fill(text) for attack in attacks for path, text in attack.files.items()})
        done = self.clone.push(*(arguments or ("origin", "main")))
        self.clone.git("reset", "-q", "--hard", before)
        return done

    def is_unharmed(self, done: Pushed) -> None:
        """Nothing was accepted or asked, and no secret is in what the pusher sees or what is kept."""
        assert done.code == 1, done.said
        assert self.service.asked == []
        kept = [
            path
            for path in self.home.rglob("*")
            if path.is_file() and not path.is_symlink() and "secrets" not in path.parts
        ]
        kept += [path for path in self.server.path.rglob("*") if path.is_file()]
        history = self.server.git("log", "-p", "-m", "--all", "--format=%B")
        texts = [done.said, history, *(path.read_bytes().decode(errors="replace") for path in kept)]
        for canary in self.canaries:
            assert not [text[:200] for text in texts if canary in text]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    home = tmp_path / "home"
    secrets = home / "secrets"
    secrets.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key()
    files = {"token": TOKEN.encode(), "gossip": GOSSIP.encode(), "identity": key}
    for name, data in files.items():
        (secrets / name).write_bytes(data)
        (secrets / name).chmod(0o600)
    (home / ".vault-token").write_text(VAULT_TOKEN)
    os.mkfifo(secrets / "pipe", 0o600)
    (secrets / "link").symlink_to(secrets / "token")
    clone = clone_of(make_server(tmp_path / "server.git"), tmp_path / "clone")
    clone.commit({
        CLUSTER: "name: test\n", "cluster/nodes/m1.yaml": f"address: {MACHINE}\nswarm: manager\n",
        "stacks/web/compose.yaml": "services:\n  web:\n    image: nginx\n",
    })  # fmt: skip
    own = next(one for one in this_machine().networks if one.endswith("/32") and not one.startswith("127."))
    with vault() as service:
        places = {name: str(secrets / name) for name in (*files, "pipe", "link")}
        places |= {"service": service.address, "own": own.removesuffix("/32"), "host": socket.gethostname()}
        body = key.decode().splitlines()[1]
        made = World(clone, service, home, places, (TOKEN, GOSSIP, body, VAULT_TOKEN))
        made.allow()
        (home / ".vault-token").rename(home / "secrets" / "vault-token")
        (home / ".vault-token").symlink_to(home / "secrets" / "vault-token")
        done = clone.push()
        assert done.code == 0, done.said
        yield made


def rounds() -> list[list[Attack]]:
    """Attacks that can be pushed at once: they want the same settings, and no two write the same file."""
    found: list[list[Attack]] = []
    for attack in PLAYED:
        for together in found:
            taken = {path for one in together for path in one.files}
            alike = (together[0].given, together[0].stage) == (attack.given, attack.stage)
            if alike and not taken & attack.files.keys():
                together.append(attack)
                break
        else:
            found.append([attack])
    return found


@pytest.mark.parametrize("attacks", rounds(), ids=lambda attacks: f"{attacks[0].title[:40]}-and-{len(attacks) - 1}")
def test_each_attack_is_refused_at_its_line(world: World, attacks: list[Attack]) -> None:
    world.allow(*attacks[0].given)
    done = world.attempt(attacks)
    for attack in attacks:
        assert world.fill(attack.told) in done, (attack.title, print(done.said))
        if attack.setting:
            assert f"git config --add deployer.allow {world.fill(attack.setting)}" in done, (attack.title, done.said)
    assert "Refused: nothing of this push was accepted." in done
    world.is_unharmed(done)


CONSUL = "cluster/nodes/c0.yaml", "address: 203.0.113.30\nswarm: none\nconsul: server\n"


@pytest.mark.parametrize("place", ["pipe", "link", "/dev/zero"])
def test_what_is_allowed_and_no_plain_file_is_not_read(world: World, place: str) -> None:
    name = world.places.get(place, place)
    world.allow(name)
    before = world.server.applied
    world.clone.commit({CLUSTER: f"name: test\nconsul: {{token_file: {name}}}\n", CONSUL[0]: CONSUL[1]})
    done = world.clone.push()
    kind = {"pipe": "a pipe", "link": "a symbolic link"}.get(place, "a device")
    assert f"consul.token_file: {name} is {kind}, not a plain file" in done
    assert "NOT DEPLOYED" in done
    assert world.server.applied == before


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_file_that_others_may_read_is_not_used(world: World, mode: int) -> None:
    (world.home / "secrets/token").chmod(mode)
    world.allow("{token}")
    world.clone.commit({CLUSTER: world.fill("name: test\nconsul: {token_file: {token}}\n"), CONSUL[0]: CONSUL[1]})
    done = world.clone.push()
    assert world.fill("consul.token_file: {token} can be read by others") in done
    assert "NOT DEPLOYED" in done
    assert TOKEN not in done


def test_what_is_allowed_is_deployed(world: World) -> None:
    """The same files, once the settings are there that the messages name."""
    world.allow("local", "{token}", "{gossip}", "{identity}", "sudo-password", "engine.daemon.group")
    section = "{token_file: {token}, gossip_key_file: {gossip}}"
    files = {
        CLUSTER: f"name: test\nconsul: {section}\nssh: {{identity_file: {{identity}}}}\n", CONSUL[0]: CONSUL[1],
        "cluster/nodes/a1.yaml": "address: local\nadvertise: eth0\nswarm: worker\nengine: {daemon: {group: users}}\n",
        "cluster/nodes/a2.yaml": "address: 203.0.113.31\nswarm: worker\nssh: {user: ann, sudo: password}\n",
        "stacks/web/compose.yaml": "services:\n  web:\n    image: nginx:2\n",
    }  # fmt: skip
    commit = world.clone.commit({path: world.fill(text) for path, text in files.items()})
    done = world.clone.push()
    assert done.code == 0, done.said
    assert world.server.deployed == commit
    assert world.server.images == {"web_web": "nginx:2"}


@pytest.mark.parametrize("allowed", [True, False])
def test_an_allowed_key_service_is_asked_and_no_other(world: World, *, allowed: bool) -> None:
    """A file that the real sops made, with a key that the service has."""
    secret = world.home / "pw.yaml"
    secret.write_text("password: geheim\n")
    key = f"{world.service.address}/v1/transit/keys/first"
    argv = [SOPS, "--encrypt", "--hc-vault-transit", key, str(secret)]
    encrypted = subprocess.run(argv, capture_output=True, check=True).stdout
    secret.unlink()
    world.service.asked.clear()
    if allowed:
        world.allow("{service}")
    compose = "services: {web: {image: nginx, secrets: [s]}}\nsecrets: {s: {file: pw.yaml}}\n"
    world.clone.commit({"stacks/db/compose.yaml": compose, "stacks/db/pw.yaml": encrypted})
    done = world.clone.push("origin", "main", PATH=f"{Path(SOPS).parent}:{os.environ['PATH']}")
    if not allowed:
        assert f"git config --add deployer.allow {key}" in done
        world.is_unharmed(done)
        return
    assert done.code == 0, done.said
    assert set(world.service.asked) == {("/v1/transit/decrypt/first", VAULT_TOKEN)}
    assert "geheim" not in done
    assert VAULT_TOKEN not in done


LOCAL = next(attack for attack in ATTACKS if attack.setting == "local")


@pytest.mark.parametrize(
    "arguments",
    [
        ("origin", "main:refs/heads/feature"),
        ("-o", "plan", "origin", "main"),
        ("-o", "skip", "origin", "main"),
        ("-o", "only=web", "origin", "main"),
        ("--force", "origin", "main", "main:refs/heads/x"),
    ],
)
def test_no_branch_and_no_option_is_a_way_round(world: World, arguments: tuple[str, ...]) -> None:
    done = world.attempt([LOCAL], *arguments)
    assert LOCAL.told in done
    world.is_unharmed(done)


def test_with_a_gate_it_is_refused_before(world: World) -> None:
    world.server.gate()
    done = world.attempt([LOCAL])
    assert LOCAL.told in done
    world.is_unharmed(done)


def test_what_is_not_allowed_any_more_is_not_deployed_again(world: World) -> None:
    """Between its check and its deploy the setting is taken back."""
    world.allow("local")
    hold = world.server.set("hold")
    first = world.clone.stack("nginx:2")
    with world.clone.pushing() as running:
        until(lambda: f"begin {first}" in world.server.applied)
        second = world.clone.commit(
            dict(LOCAL.files) | {"cluster/nodes/a1.yaml": "address: local\nadvertise: eth0\nswarm: worker\n"}
        )
        with world.clone.pushing() as waiting:
            until(lambda: world.server.head == second)
            world.allow()
            hold.unlink()
            said = plain(waiting.communicate(timeout=60)[1])
        running.communicate(timeout=60)
    assert "NOT DEPLOYED" in said
    assert f"begin {second}" not in world.server.applied


def test_an_entry_that_is_none_refuses_every_push(world: World) -> None:
    world.server.git("config", "--add", "deployer.allow", "keys/token")
    done = world.attempt([])
    assert "deployer.allow: 'keys/token' is nothing that could be allowed" in done
    assert done.code == 1
