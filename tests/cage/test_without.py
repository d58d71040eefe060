"""A kernel without Landlock, for real: a filter that says so stands before everything that is tried here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployer.cage import kernel
from deployer.cage.kernel import Kernel, require_cage
from deployer.errors import DeployerError, UsageError
from tests.cage.conftest import needs_cage

ROOT = Path(__file__).parents[2]
WITHOUT = """
import errno, json, struct, sys
sys.path.insert(0, {root!r})
from deployer.cage import system
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 444), (0x06, 0, 0, 0x00050000 | errno.{error}), (0x06, 0, 0, 0x7FFF0000)]
system.gain_nothing()
system.filter_calls(b"".join(struct.pack("=HBBI", *one) for one in code), listen=False)
from deployer.cage import kernel, switch
from tests.cage.conftest import attempt, python_rules
"""
"""The kernel's words for a Landlock that it does not have (ENOSYS), and for one that is switched off (EOPNOTSUPP)."""


def without(text: str, error: str = "ENOSYS") -> Any:
    argv = [sys.executable, "-c", WITHOUT.format(root=str(ROOT), error=error) + text]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_cage
@pytest.mark.parametrize("error", ["ENOSYS", "EOPNOTSUPP"])
def test_it_is_seen_and_said_once(error: str) -> None:
    text = """
look = kernel.look()
for _ in range(2):
    came = attempt(python_rules(), "read", {path!r})
print(json.dumps([look.landlock, look.confines, look.lacks, came, switch.unconfined(), switch.unconfined()]))
"""
    path = str(Path(__file__))
    landlock, confines, lacks, came, first, second = without(text.format(path=path), error)
    assert (landlock, confines) == (0, False)
    assert lacks.startswith("Linux ")
    assert lacks.endswith(" has no Landlock")
    assert came["did"].startswith('"""A kernel without Landlock')
    assert first == (
        "programs that read these files can read yours, too: this machine's kernel cannot confine them (`deployer doctor` says more)"
    )
    assert second == ""


@needs_cage
def test_what_does_not_need_it_stays() -> None:
    text = """
from deployer.cage.rules import Limits
print(json.dumps([attempt(python_rules(), "tcp", 1), attempt(python_rules(), "fork"), attempt(python_rules(), "mount", "/tmp"),
    attempt(python_rules(limits=Limits(memory=200 << 20)), "hog", 400)]))
"""
    refused = [one["refused"] for one in without(text)]
    assert refused == ["EAFNOSUPPORT", "EPERM", "EPERM", "ENOMEM"]


def test_files_from_others_are_not_taken_then_unless_somebody_says_so() -> None:
    bare = Kernel(landlock=0, filters=True, listens=True, name="Linux 5.4 x86_64")
    with pytest.raises(DeployerError) as refused:
        require_cage("", "/srv/git/cluster.git", bare)
    assert (
        refused.value.message == "what others push cannot be confined on this machine: Linux 5.4 x86_64 has no Landlock"
    )
    assert "git --git-dir /srv/git/cluster.git config deployer.cage off" in refused.value.help
    require_cage("off", "/srv/git/cluster.git", bare)
    with pytest.raises(UsageError, match=r"deployer\.cage: 'no' is none of on, off"):
        require_cage("no", "/srv/git/cluster.git", bare)


@pytest.mark.parametrize(
    ("found", "lacks"),
    [
        (Kernel(7, True, True, "L"), ""),
        (Kernel(1, True, False, "L"), ""),
        (Kernel(0, False, False, "L"), "L has no Landlock and no seccomp filters"),
        (Kernel(3, False, False, "L"), "L has no seccomp filters"),
    ],
)
def test_what_is_enough(found: Kernel, lacks: str) -> None:
    assert (found.confines, found.lacks) == (not lacks, lacks)


def test_looking_changes_nothing() -> None:
    assert kernel.look() == kernel.look.__wrapped__()
