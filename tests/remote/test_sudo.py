"""Root by sudo that wants a password: a stand-in of sudo on PATH, which reads as the real one does and notes how it was called."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.errors import DeployerError
from deployer.model.cluster import Ssh
from deployer.model.command import Command
from deployer.model.secret import Secret
from deployer.remote import NotLetInError
from deployer.remote.local import LocalConnection
from deployer.remote.sudo import Sudo
from deployer.remote.sudo_password import COMMAND, FILE, passwords
from tests.fakes import node, run
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.model.command import Completed

SUDO = f"""#!{sys.executable}
import os, sys
words, options = sys.argv[1:], []
while words[0] != "--":
    options.append(words.pop(0))
open(__file__ + ".log", "a").write(" ".join(sys.argv[1:]) + "\\n")
if not os.path.exists(__file__ + ".nopasswd"):
    if "-n" in options:
        sys.exit("sudo: a password is required")
    assert "-S" in options and "-k" in options
    typed = b""
    while not typed.endswith(b"\\n"):
        typed += os.read(0, 1) or sys.exit("sudo: no password was provided")
    if typed != "pässword\\n".encode():
        sys.exit("Sorry, try again.\\nsudo: 1 incorrect password attempt")
os.execvp(words[1], words[1:])
"""
M = node("m", ssh=Ssh(user="admin", sudo="password"))


@pytest.fixture(autouse=True)
def sudo(programs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = programs / "sudo"
    path.write_text(SUDO, "utf-8")
    path.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return path


def calls(sudo: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"{sudo}.log").read_text("utf-8").splitlines()
    return []


def by(password: str | None, *commands: Command) -> list[Completed]:
    async def scenario() -> list[Completed]:
        connection = LocalConnection(sudo=Sudo(M, Secret(password) if password else None))
        return await asyncio.gather(*map(connection.run, commands))

    return run(scenario())


CAT = Command(("cat",), stdin=b"its own\nlines\n", root=True)


def test_the_commands_own_input_comes_after_the_password(sudo: Path) -> None:
    (done,) = by("pässword", CAT)
    assert (done.status, done.stdout) == (0, "its own\nlines\n")
    assert "pässword" not in "".join(calls(sudo))


def test_sudo_is_tried_once_for_however_many_commands(sudo: Path) -> None:
    assert [done.stdout for done in by("pässword", CAT, CAT, CAT)] == [CAT.stdin.decode()] * 3
    assert [line.endswith(" cat") for line in calls(sudo)] == [False, False, True, True, True]


def test_a_wrong_password_is_tried_once_and_is_one_line(sudo: Path) -> None:
    with pytest.raises(NotLetInError) as caught:
        by("wrong", CAT, CAT)
    assert caught.value.message == "sudo on m does not take the password: sudo: 1 incorrect password attempt"
    assert len([line for line in calls(sudo) if "-S" in line]) == 1
    assert "wrong" not in caught.value.message + caught.value.help


def test_without_a_password_it_is_said_where_one_could_come_from() -> None:
    with pytest.raises(NotLetInError, match="sudo on m wants a password, and there is none to give") as caught:
        by(None, CAT)
    assert FILE in caught.value.help


@pytest.mark.parametrize("password", ["pässword", None])
def test_where_sudo_wants_none_the_command_does_not_get_one(sudo: Path, password: str | None) -> None:
    Path(f"{sudo}.nopasswd").touch()
    assert by(password, CAT)[0].stdout == CAT.stdin.decode()


def test_a_command_that_is_not_roots_does_not_meet_sudo(sudo: Path) -> None:
    assert by("wrong", Command(("echo", "here")))[0].stdout == "here\n"
    assert calls(sudo) == []


class TestWhereItComesFrom:
    """What is in the environment, and a file or a command that it names."""

    OTHERS = (M, node("root", ssh=Ssh(user="root", sudo="password")), node("free", ssh=Ssh(user="admin")))

    def test_a_file_that_is_its_owners_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "password"
        path.write_text("one two\nmore\n", "utf-8")
        path.chmod(0o600)
        assert passwords(self.OTHERS, {FILE: str(path)}) == {"m": Secret("one two")}
        path.chmod(0o640)
        with pytest.raises(DeployerError, match="can be read by others"):
            passwords(self.OTHERS, {FILE: str(path)})

    def test_a_command_for_all_or_for_each(self, programs: Path) -> None:
        (programs / "store").write_text('#!/bin/sh\necho "of $1"\necho x >> "$0.log"\n', "utf-8")
        (programs / "store").chmod(0o755)
        two = (M, node("n", ssh=Ssh(user="admin", sudo="password")))
        assert passwords(two, {COMMAND: "store 'sudo/{machine} x'"}) == {
            "m": Secret("of sudo/m x"),
            "n": Secret("of sudo/n x"),
        }
        assert set(passwords(two, {COMMAND: "store all"}).values()) == {Secret("of all")}
        assert (programs / "store.log").read_text("utf-8") == "x\n" * 3, "the same command only once"

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({FILE: f"{__file__}.none"}, f"{__file__}.none: No such file or directory"),
            ({FILE: "/dev"}, "/dev is a folder, not a plain file"),
            ({COMMAND: "false"}, "`false` ended with status 1"),
            ({COMMAND: "true"}, "there is no password in its first line"),
            ({COMMAND: "no-such-program"}, "no-such-program: No such file or directory"),
            ({COMMAND: "a 'b"}, "is no command line"),
        ],
    )
    def test_what_is_of_no_use_is_said_in_one_line(self, given: dict[str, str], said: str) -> None:
        with pytest.raises(DeployerError) as caught:
            passwords((M,), given)
        assert said in caught.value.message
        assert next(iter(given)) in caught.value.message

    def test_nobody_is_asked_without_a_terminal_or_without_need(self) -> None:
        assert passwords((M,), {}) == {}
        assert passwords(self.OTHERS[1:], {FILE: f"{__file__}.none"}) == {}


ASKING = """
import asyncio, os
from deployer.remote.sudo_password import passwords
from deployer.model.cluster import Ssh
from tests.fakes import node

async def main():
    nodes = [node(name, ssh=Ssh(user="admin", sudo="password")) for name in ("m", "n")]
    found = passwords(nodes, {})
    print(found, {one.reveal() for one in found.values()}, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process that asks on a terminal, and the other end of that."""
    ours, its = os.openpty()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    process = subprocess.Popen(
        [sys.executable, "-c", ASKING], stdin=its, stderr=its, stdout=subprocess.PIPE, start_new_session=True
    )
    os.close(its)
    said = b""
    while b": " not in said:
        said += os.read(ours, 1024)
    assert said == b"sudo password of admin on m, n: "
    yield process, ours
    process.kill()
    process.communicate()
    os.close(ours)


def test_a_terminal_is_asked_once_for_all_machines(terminal: tuple[subprocess.Popen[bytes], int]) -> None:
    process, ours = terminal
    os.write(ours, b"typed here\n")
    out, _ = process.communicate(timeout=GENEROUS)
    assert out == b"{'m': [secret], 'n': [secret]} {'typed here'}\n"


def test_ctrl_c_at_the_question_ends_it_at_once(terminal: tuple[subprocess.Popen[bytes], int]) -> None:
    process, _ = terminal
    process.send_signal(signal.SIGINT)
    assert process.wait(GENEROUS) != 0
