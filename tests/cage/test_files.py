"""Files: what is not given cannot be read, written, emptied, given to others or found by another way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.cage.children import run_caged
from deployer.cage.rules import Limits, Rules
from tests.cage.conftest import PROBE, PYTHON, attempt, needs_cage, python_rules, start

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = needs_cage

ATTEMPTS: dict[str, Callable[[Path, Path], tuple[object, ...]]] = {
    "read": lambda canary, _: (canary,),
    "write": lambda canary, _: (canary,),
    "append": lambda canary, _: (canary,),
    "empty": lambda canary, _: (canary,),
    "empty_by_opening": lambda canary, _: (canary,),
    "mode": lambda canary, _: (canary,),
    "remove": lambda canary, _: (canary,),
    "names": lambda canary, _: (canary.parent,),
    "link": lambda canary, private: (canary, private / "link"),
    "by_symlink": lambda canary, private: (canary, private / "symlink"),
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_a_file_that_was_not_given(name: str, canary: Path, private: Path) -> None:
    writing = name in {"link", "by_symlink"}
    rules = python_rules(write=(private,)) if writing else python_rules(read=(private,))
    assert attempt(rules, name, *ATTEMPTS[name](canary, private))["refused"] in {"EACCES", "EPERM", "EXDEV"}
    assert canary.read_text() == "CANARY"
    assert canary.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_same_without_walls(name: str, canary: Path, private: Path, off: None) -> None:
    assert "did" in attempt(python_rules(), name, *ATTEMPTS[name](canary, private))


def test_where_writing_is_allowed_modes_elsewhere_stay_as_they_are(canary: Path, private: Path) -> None:
    rules = python_rules(write=(private,))
    for name in ("mode", "owner", "attribute"):
        attempt(rules, name, canary)  # it is told that it did
    assert (canary.stat().st_mode & 0o777, canary.stat().st_uid) == (0o600, os.getuid())
    assert os.listxattr(canary) == []


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow", "/etc/passwd", "/proc/1/environ", "/proc/{parent}/environ", "/proc/{parent}/mem", "/proc/{parent}/maps",
        "/proc/self/root/etc/shadow", "/proc/self/cwd/etc/shadow", "/proc/{parent}/root/etc/shadow", "/proc/self/environ",
        "/dev/kmsg", "/sys/kernel/notes", "/var/run/docker.sock", "{home}/.ssh/id_ed25519", "{home}/.docker/config.json",
    ],
)  # fmt: skip
def test_places_where_secrets_are(path: str) -> None:
    place = path.format(parent=os.getpid(), home=Path.home())
    came = attempt(python_rules(), "read", place)
    assert came["refused"] == ("EACCES" if os.path.lexists(place) or "/self/" in place else "ENOENT"), came


def test_a_link_in_its_own_folder_leads_nowhere_else(canary: Path, private: Path) -> None:
    (private / "link").symlink_to(canary)
    (private / "up").symlink_to("..")
    for path in (private / "link", private / "up" / "canary", private / ".." / "canary"):
        assert attempt(python_rules(read=(private,)), "read", path) == {"refused": "EACCES"}


def test_what_was_given_is_there_and_no_more(private: Path) -> None:
    (private / "a").write_text("given")
    rules = python_rules(read=(private,))
    assert attempt(rules, "read", private / "a") == {"did": "given"}
    assert attempt(rules, "names", private) == {"did": ["a"]}
    assert attempt(rules, "write", private / "a") == {"refused": "EACCES"}
    writing = python_rules(write=(private,))
    assert attempt(writing, "write", private / "b") == {"did": "written"}
    assert attempt(writing, "read", private / "b") == {"did": "pwned"}
    assert (private / "b").stat().st_mode & 0o777 == 0o600
    assert attempt(rules, "read", "/dev/urandom").keys() == {"did"}


def test_no_other_program(private: Path) -> None:
    script = private / "script"
    script.write_text("#!/bin/sh\necho ran\n")
    script.chmod(0o755)
    assert attempt(python_rules(read=(private,)), "run", "/bin/sh") == {"refused": "EACCES"}
    assert attempt(python_rules(read=(private,)), "run", script) == {"refused": "EACCES"}
    assert run_caged([str(script)], rules=Rules()).out == b"ran\n"  # a script brings its interpreter along


def test_a_file_of_ours_that_is_open_is_not_open_there(canary: Path) -> None:
    with canary.open() as file:
        os.set_inheritable(file.fileno(), True)
        assert attempt(python_rules(), "open_files") == {"did": [0, 1, 2]}


def test_a_large_file_is_cut_short(private: Path) -> None:
    rules = python_rules(write=(private,), limits=Limits(file=1 << 20))
    ended = start(rules, "fill", private / "big", 5)
    assert ended.code != 0 or b"EFBIG" in ended.out, ended
    assert (private / "big").stat().st_size <= 1 << 20


def test_it_leaves_no_core(private: Path) -> None:
    rules = python_rules(write=(private,))
    assert run_caged([PYTHON, "-I", "-S", str(PROBE), "die"], rules=rules, folder=private).code < 0
    assert list(private.iterdir()) == []
