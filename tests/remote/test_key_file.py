"""Files with keys: plain files of our own that nobody else may read; everything else is refused, and at nothing is waited."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from deployer.remote.key_file import LARGEST, KeyFileError, check_plain, read_key_file

pytestmark = pytest.mark.timeout(60)


def written(path: Path, data: bytes = b"secret", mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def refusal(path: Path, *, follow: bool = False) -> KeyFileError:
    with pytest.raises(KeyFileError) as caught:
        read_key_file(path, follow=follow)
    assert caught.value.help
    assert "secret" not in caught.value.why + caught.value.help
    return caught.value


def test_a_plain_file_of_our_own_is_read(tmp_path: Path) -> None:
    assert read_key_file(written(tmp_path / "key")) == b"secret"
    assert read_key_file(written(tmp_path / "key", b"x" * LARGEST, 0o400)) == b"x" * LARGEST


@pytest.mark.parametrize("follow", [False, True])
def test_a_pipe_is_not_waited_at(tmp_path: Path, *, follow: bool) -> None:
    os.mkfifo(tmp_path / "key", 0o600)
    assert refusal(tmp_path / "key", follow=follow).why == " is a pipe, not a plain file"


def test_devices_folders_and_sockets(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        assert refusal(tmp_path / "socket").why == " is a socket, not a plain file"
    assert refusal(tmp_path).why == " is a folder, not a plain file"
    assert refusal(Path("/dev/zero")).why == " is a device, not a plain file"


def test_a_link_is_followed_only_where_the_user_chose_the_place(tmp_path: Path) -> None:
    written(tmp_path / "key")
    (tmp_path / "link").symlink_to(tmp_path / "key")
    assert refusal(tmp_path / "link").why == " is a symbolic link, not a plain file"
    assert read_key_file(tmp_path / "link", follow=True) == b"secret"
    (tmp_path / "pipe").symlink_to("/dev/zero")
    assert refusal(tmp_path / "pipe", follow=True).why == " is a device, not a plain file"


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o666])
def test_one_that_others_may_read_or_write(tmp_path: Path, mode: int) -> None:
    found = refusal(written(tmp_path / "key", mode=mode))
    assert (found.why, found.help) == (" can be read by others", f"chmod 600 {tmp_path}/key")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses(tmp_path: Path) -> None:
    path = written(tmp_path / "key")
    os.chown(path, 12345, 12345)
    assert refusal(path).why == " belongs to user 12345"


def test_one_that_is_too_large(tmp_path: Path) -> None:
    assert refusal(written(tmp_path / "key", b"x" * (LARGEST + 1))).why == f" has more than {LARGEST} bytes"


def test_one_that_is_not_there_or_has_no_name(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none").why == ": No such file or directory"
    assert refusal(tmp_path / "a\0b").why == ": that is no file's name"


def test_what_another_program_opens_is_looked_at_before(tmp_path: Path) -> None:
    check_plain(written(tmp_path / "key", mode=0o644))
    check_plain(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(KeyFileError):
        check_plain(tmp_path / "pipe")
