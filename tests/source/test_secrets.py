"""What the consul section's files hold: read from this machine, checked, and shown nowhere."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.errors import DeployerError
from deployer.model.cluster import Cluster, Consul, ConsulSecrets
from deployer.source import with_secrets
from tests.literals.desired import make_cluster, make_node

if TYPE_CHECKING:
    from pathlib import Path

UUID = "0f3c1d5e-8a8e-4a60-9d2f-5a2f6f3c9b11"
KEY = base64.b64encode(bytes(range(32))).decode()


def written(path: Path, text: str, mode: int = 0o600) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def wanted(token: str | None = None, key: str | None = None) -> Cluster:
    return make_cluster(make_node("a", consul="server"), consul=Consul(token_file=token, gossip_key_file=key))


def test_a_cluster_that_names_none_has_none() -> None:
    assert with_secrets(wanted()).secrets == ConsulSecrets()
    assert with_secrets(make_cluster(make_node("a"))).secrets == ConsulSecrets()


def test_both_are_read_without_the_white_space_around_them(tmp_path: Path) -> None:
    token, key = written(tmp_path / "token", f"{UUID}\n"), written(tmp_path / "key", f" {KEY}\n\n")
    secrets = with_secrets(wanted(token, key)).secrets
    assert secrets.token is not None
    assert secrets.gossip_key is not None
    assert (secrets.token.reveal(), secrets.gossip_key.reveal()) == (UUID, KEY)
    assert UUID not in repr(secrets)
    assert KEY not in str(secrets)


def test_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    written(tmp_path / "token", UUID)
    assert with_secrets(wanted("~/token")).secrets.token is not None


def test_another_secret_or_another_cluster_has_another_digest(tmp_path: Path) -> None:
    token, other = written(tmp_path / "token", UUID), written(tmp_path / "other", UUID.replace("0", "1"))
    key = written(tmp_path / "key", KEY)
    elsewhere = replace(wanted(token), name="elsewhere")
    digests = [
        with_secrets(one).secrets.digest for one in (wanted(token), wanted(other), wanted(token, key), elsewhere)
    ]
    assert len(set(digests)) == 4
    assert with_secrets(wanted(token)).secrets.digest == digests[0]


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        (UUID, 0o640, "consul.token_file: {} can be read by others"),
        (UUID, 0o604, "consul.token_file: {} can be read by others"),
        ("secret", 0o600, "consul.token_file: it holds no UUID"),
        ("", 0o600, "consul.token_file: it holds no UUID"),
        (f"{UUID}\n{UUID}", 0o600, "consul.token_file: it holds no UUID"),
    ],
)
def test_tokens_that_are_none(tmp_path: Path, text: str, mode: int, message: str) -> None:
    token = written(tmp_path / "token", text, mode)
    with pytest.raises(DeployerError) as caught:
        with_secrets(wanted(token))
    assert caught.value.message == message.format(token)
    assert caught.value.help
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("text", ["", "x", "AAAA", KEY[:-2], KEY + "!", "é"])
def test_gossip_keys_that_are_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(DeployerError, match="it holds no key of 16, 24 or 32 bytes in base64"):
        with_secrets(wanted(key=written(tmp_path / "key", text)))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeployerError, match=r"consul\.token_file: .*/no: No such file or directory"):
        with_secrets(wanted(str(tmp_path / "no")))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xff\xfe")
    path.chmod(0o600)
    with pytest.raises(DeployerError, match="is no text"):
        with_secrets(wanted(str(path)))
