"""The user's own folders, and files that are written whole."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from deployer import user_files
from deployer.document.shelf import open_shelf
from deployer.user_files import create_private, make_private_folder, write_whole


@pytest.mark.parametrize(
    ("name", "variable", "below"),
    [
        ("cache_home", "XDG_CACHE_HOME", ".cache"),
        ("config_home", "XDG_CONFIG_HOME", ".config"),
        ("data_home", "XDG_DATA_HOME", ".local/share"),
        ("state_home", "XDG_STATE_HOME", ".local/state"),
    ],
)
def test_folders_are_where_the_specification_says(name: str, variable: str, below: str) -> None:
    folder = getattr(user_files, name)
    assert folder({variable: "/x", "HOME": "/h"}) == Path("/x")
    assert folder({"HOME": "/h"}) == Path("/h", below)
    assert folder({variable: "relative", "HOME": "/h"}) == Path("/h", below), "a relative one does not count"


@pytest.mark.parametrize("told", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_without_a_home_it_is_what_the_system_knows(told: dict[str, str]) -> None:
    assert user_files.home(told) == Path(pwd.getpwuid(os.getuid()).pw_dir)


def test_a_user_whom_the_system_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_number: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert user_files.cache_home({}) == Path("/nonexistent/.cache")


def test_a_home_that_is_not_there_is_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may make any folder: `/nonexistent`, where the homes of services are, is to stay what its name says."""
    home = tmp_path / "gone"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with pytest.raises(FileNotFoundError) as raised:
        make_private_folder(user_files.cache_home() / "deployer")
    assert raised.value.filename == str(home)
    shelf = open_shelf("documents")
    shelf.put("name", b"data")
    assert shelf.get("name") is None, "no home is no cache, and no error"
    assert not home.exists()


def test_a_folder_is_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    make_private_folder(tmp_path / "a" / "b")
    make_private_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (b"first", b"second"):
        write_whole(path, data)
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (data, 0o600)
    write_whole(path, b"third", mode=0o755, lasting=False)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"third", 0o755)
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_put_in_its_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "there" / "full").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "there", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"theirs")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_whole(tmp_path / "link", b"ours")
    assert (tmp_path / "target").read_bytes() == b"theirs"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_new_file_is_new(tmp_path: Path, kind: str) -> None:
    (tmp_path / "there").symlink_to("nowhere") if kind == "link" else (tmp_path / "there").touch()
    with pytest.raises(FileExistsError):
        create_private(tmp_path / "there", b"data")
