"""The folder with certificates: who may read it, what is remade, what another authority does to it."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deployer.certificates import issue, store
from deployer.certificates.place import place, trusted
from deployer.certificates.read import read_certificate
from deployer.errors import DeployerError

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("m1", "192.0.2.7", "2001:db8::7", "localhost")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return place("c")


def client(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates((folder / "cert.pem").read_bytes())[0]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert place("c") == type(tmp_path)("/data/deployer/tls/c")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    assert place("c") == tmp_path / ".local/share/deployer/tls/c"


def test_it_is_made_once_and_is_this_users_alone(folder: Path) -> None:
    os.umask(before := os.umask(0))
    os.umask(0)
    try:
        first = store.server_files("c", NAMES)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == dict.fromkeys(
        ("authority.pem", "ca.pem", "cert.pem", "key.pem"), 0o600
    )
    made = contents(folder)
    second = store.server_files("c", NAMES)
    assert contents(folder) == made
    assert second.trusted == first.trusted == made["ca.pem"].decode()
    assert second.key != first.key
    assert "PRIVATE" not in repr(first), "its key is a secret"
    assert store.client_folder("c") == folder


def test_what_a_machine_gets(folder: Path) -> None:
    files = store.server_files("c", NAMES)
    names, end = read_certificate(files.certificate)
    assert names == NAMES
    found = x509.load_pem_x509_certificates(files.certificate.encode())[0]
    key = serialization.load_pem_private_key(files.key.reveal().encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert found.public_key() == key.public_key()
    now = datetime.now(UTC)
    assert timedelta(minutes=4) < now - found.not_valid_before_utc < timedelta(minutes=6)
    assert end == found.not_valid_after_utc.timestamp()
    assert timedelta(days=365) < found.not_valid_after_utc - now < timedelta(days=398)
    assert files.key.reveal().encode() not in b"".join(contents(folder).values()), "it is kept on the machine alone"
    assert read_certificate("nothing") == ((), 0.0)


@pytest.mark.parametrize("name", ["authority.pem", "ca.pem", "key.pem", ""])
def test_what_others_may_read_is_refused(folder: Path, name: str) -> None:
    store.server_files("c", NAMES)
    path = folder / name
    path.chmod(0o750 if path.is_dir() else 0o640)
    with pytest.raises(DeployerError, match="can be read by others") as caught:
        store.client_folder("c")
    assert caught.value.help.startswith("chmod go= ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_somebody_else_is_refused(folder: Path) -> None:
    store.server_files("c", NAMES)
    os.chown(folder / "ca.pem", 4711, 4711)
    with pytest.raises(DeployerError, match="belongs to somebody else"):
        trusted("c")


def test_a_link_is_refused(folder: Path) -> None:
    store.server_files("c", NAMES)
    (folder / "authority.pem").rename(folder / "other.pem")
    (folder / "authority.pem").symlink_to("other.pem")
    with pytest.raises(DeployerError, match=r"authority\.pem: "):
        store.client_folder("c")


@pytest.mark.parametrize("damage", ["missing", "another key", "rubbish", "another authority"])
def test_what_docker_reads_is_remade_where_it_does_not_fit(folder: Path, damage: str) -> None:
    """What a run that was killed in between leaves."""
    store.server_files("c", NAMES)
    match damage:
        case "missing":
            (folder / "cert.pem").unlink()
        case "another key":
            (folder / "key.pem").write_bytes(issue.key_pem(issue.new_key()))
        case "rubbish":
            (folder / "cert.pem").write_bytes(b"rubbish")
        case _:
            key = issue.new_key()
            other = issue.root("c", key, datetime.now(UTC))
            own = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
            assert isinstance(own, ec.EllipticCurvePrivateKey)
            (folder / "cert.pem").write_bytes(issue.pem(issue.client("me", own, other, key, datetime.now(UTC))))
    store.client_folder("c")
    root = x509.load_pem_x509_certificates((folder / "ca.pem").read_bytes())[0]
    client(folder).verify_directly_issued_by(root)
    key_ = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
    assert client(folder).public_key() == key_.public_key()


def test_a_clients_certificate_that_ends_soon_is_renewed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as early:
        early.setattr(issue, "VALID", timedelta(days=29))
        store.server_files("c", NAMES)
    soon = client(folder).not_valid_after_utc
    store.client_folder("c")
    assert client(folder).not_valid_after_utc - soon > timedelta(days=360)


def test_an_authority_that_is_none_is_not_written_over(folder: Path) -> None:
    store.server_files("c", NAMES)
    (folder / "authority.pem").write_bytes(b"half of it")
    with pytest.raises(DeployerError, match="is no authority"):
        store.server_files("c", NAMES)
    assert (folder / "authority.pem").read_bytes() == b"half of it"


def test_without_any_it_says_where_they_come_from(folder: Path) -> None:
    with pytest.raises(DeployerError, match="there are no certificates for cluster c") as caught:
        store.client_folder("c")
    assert "--ssh" in caught.value.help
    assert not folder.exists()


def test_a_client_without_the_authority_uses_docker_and_signs_nothing(folder: Path) -> None:
    store.server_files("c", NAMES)
    (folder / "authority.pem").unlink()
    assert store.client_folder("c") == folder
    with pytest.raises(DeployerError, match="without the authority's key"):
        store.server_files("c", NAMES)


def test_another_authority_and_its_end(folder: Path) -> None:
    store.server_files("c", NAMES)
    first = trusted("c")
    store.new_authority("c")
    both = trusted("c")
    assert len(both) == 2
    assert both[1:] == first
    with pytest.raises(DeployerError, match="is not finished"):
        store.new_authority("c")
    store.finish("c")
    assert trusted("c") == both[:1]
    store.finish("c")  # a run that is begun again
    assert trusted("c") == both[:1]
    store.new_authority("c")
    assert trusted("c")[1:] == both[:1]
