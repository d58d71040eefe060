from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from deployer.errors import UsageError
from deployer.sandbox import keys, state
from deployer.sandbox.machines import authorized_keys

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_the_key_pair_is_made_once_and_is_for_its_owner_alone(home: Path) -> None:
    public = keys.ensure_key_pair("try")
    private = home / "deployer" / "sandbox" / "try" / "id_ed25519"
    assert public.startswith("ssh-ed25519 ")
    assert private.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert private.stat().st_mode & 0o777 == 0o600
    assert private.parent.stat().st_mode & 0o777 == 0o700
    assert keys.ensure_key_pair("try") == public


def test_a_pair_that_was_not_finished_is_made_anew(home: Path) -> None:
    first = keys.ensure_key_pair("try")
    state.identity_file("try").with_suffix(".pub").unlink()
    assert keys.ensure_key_pair("try") != first


@pytest.mark.parametrize("name", ["../x", "", ".", "a/b", "A", "a\n"])
def test_a_name_that_leads_elsewhere_is_refused(home: Path, name: str) -> None:
    with pytest.raises(UsageError):
        state.folder(name)


def test_both_users_are_let_in_by_the_key_in_files_of_their_own() -> None:
    with tarfile.open(fileobj=io.BytesIO(authorized_keys("ssh-ed25519 AAAA x\n"))) as archive:
        found = {member.name: (member.uid, member.gid, member.mode, member.isdir()) for member in archive}
        file = archive.extractfile("root/.ssh/authorized_keys")
        assert file is not None
        assert file.read() == b"ssh-ed25519 AAAA x\n"
    assert found == {
        "root/.ssh": (0, 0, 0o700, True),
        "root/.ssh/authorized_keys": (0, 0, 0o600, False),
        "home/admin/.ssh": (1000, 1000, 0o700, True),
        "home/admin/.ssh/authorized_keys": (1000, 1000, 0o600, False),
    }


def test_host_keys_lose_their_comments() -> None:
    assert keys.parse_host_keys("ssh-ed25519 BBBB root@x\n\necdsa-sha2-nistp256 AAAA root@x\n") == (
        "ecdsa-sha2-nistp256 AAAA",
        "ssh-ed25519 BBBB",
    )


def test_known_hosts_of_other_machines_stay_and_old_keys_of_ours_go() -> None:
    present = "# ours\n203.0.113.9 ssh-ed25519 KEEP\n10.99.0.11 ssh-ed25519 OLD\n10.99.0.11 ssh-rsa OLD\n"
    new = keys.known_hosts({"10.99.0.12": ["ssh-ed25519 B"], "10.99.0.11": ["ecdsa A", "ssh-ed25519 A"]})
    merged = keys.merge_known_hosts(present, new)
    assert merged == (
        "# ours\n203.0.113.9 ssh-ed25519 KEEP\n10.99.0.11 ecdsa A\n10.99.0.11 ssh-ed25519 A\n10.99.0.12 ssh-ed25519 B\n"
    )
    assert keys.merge_known_hosts(merged, new) == merged
