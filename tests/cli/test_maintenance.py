"""The commands of maintenance on a real repository whose machines do not answer: what is refused, edited, committed; never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from deployer.cli import swarm as swarm_group
from deployer.cli.app import app
from deployer.cli.errors import run
from deployer.cli.lazy import load

if TYPE_CHECKING:
    from pathlib import Path

CLUSTER = "name: test\nssh: {user: root, port: 9, connect_timeout: 2}\n"  # the discard port, where nothing listens
MASTER = "address: 127.0.0.1\nswarm: manager\n"
SLAVE = "address: 127.0.0.2     # in the cellar\nlabels: {zone: a}\n"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Repository:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.capsys = capsys

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def __call__(self, *arguments: str) -> Ran:
        code = run(app, [*arguments, "--repo", str(self.root)])
        return Ran(code, *self.capsys.readouterr())


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Repository:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "t")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "t@localhost")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    made = Repository(tmp_path / "repo", capsys)
    (made.root / "cluster/nodes").mkdir(parents=True)
    (made.root / "cluster/cluster.yaml").write_text(CLUSTER)
    (made.root / "cluster/nodes/master.yaml").write_text(MASTER)
    (made.root / "cluster/nodes/slave.yaml").write_text(SLAVE)
    made.git("init", "--quiet", "--initial-branch=main")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "Two machines")
    return made


@pytest.mark.parametrize("name", swarm_group.COMMANDS)
def test_every_command_of_the_swarm_has_help_with_an_example(name: str) -> None:
    made = load(name, swarm_group.COMMANDS[name])
    helps = made.get_help(made.make_context(f"deployer swarm {name}", [], resilient_parsing=True))
    assert "Examples:" in helps


@pytest.mark.parametrize("command", ["restart", "upgrade", "provision", "stop", "kill", "start", "drain", "promote"])
def test_a_machine_that_git_does_not_have(repo: Repository, command: str) -> None:
    ran = repo("machine", command, "salve")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no machine 'salve' in cluster test" in ran.err
    assert "there are master, slave" in ran.err


@pytest.mark.parametrize("command", ["restart", "upgrade"])
def test_nothing_is_begun_where_a_machine_does_not_answer(repo: Repository, command: str) -> None:
    ran = repo("machine", command, "--rolling", "master", "slave")
    assert ran.code == 6, ran.err
    assert "nothing was done: 2 things are in the way" in ran.err
    assert "master: 127.0.0.1" in ran.err


def test_a_machine_that_is_off_cannot_be_started_by_ssh(repo: Repository) -> None:
    ran = repo("machine", "start", "slave")
    assert ran.code == 1
    assert "slave cannot be started from here: SSH needs a machine that runs" in ran.err
    assert re.fullmatch(r"Nothing to do in [0-9.]+ s: slave: off already\n", repo("machine", "stop", "slave").out)


def test_provision_of_a_machine_that_does_not_answer(repo: Repository) -> None:
    assert repo("machine", "provision", "slave").code == 6


class TestRoles:
    def test_the_file_is_edited_and_that_alone_is_committed(self, repo: Repository) -> None:
        (repo.root / "notes").write_text("mine")
        ran = repo("machine", "drain", "slave", "--no-apply")
        assert ran.code == 0, ran.err
        text = (repo.root / "cluster/nodes/slave.yaml").read_text()
        assert text.replace("availability: drain\n", "") == SLAVE
        assert repo.git("show", "--name-only", "--format=%s", "HEAD").split("\n\n") == [
            "slave: availability drain", "cluster/nodes/slave.yaml",
        ]  # fmt: skip
        assert repo.git("status", "--porcelain") == "?? notes"

    def test_what_is_so_already_is_no_commit(self, repo: Repository) -> None:
        before = repo.git("rev-parse", "HEAD")
        assert repo("machine", "activate", "slave", "--no-apply").code == 0
        assert repo.git("rev-parse", "HEAD") == before

    def test_a_file_with_changes_is_not_touched(self, repo: Repository) -> None:
        (repo.root / "cluster/nodes/slave.yaml").write_text(SLAVE + "# more\n")
        ran = repo("machine", "promote", "slave", "--no-apply")
        assert ran.code == 5
        assert "has changes that are not committed" in ran.err

    def test_neither_git_nor_the_machine_is_nothing(self, repo: Repository) -> None:
        assert repo("machine", "drain", "slave", "--no-apply", "--no-commit").code == 2


class TestRemoval:
    def test_it_asks_and_without_a_terminal_wants_a_yes(self, repo: Repository) -> None:
        ran = repo("machine", "rm", "slave")
        assert ran.code == 2
        assert "--yes says yes beforehand" in ran.err
        assert (repo.root / "cluster/nodes/slave.yaml").exists()

    def test_one_that_does_not_answer_stays_in_git(self, repo: Repository) -> None:
        ran = repo("machine", "rm", "slave", "--yes")
        assert ran.code != 0
        assert (repo.root / "cluster/nodes/slave.yaml").exists()


class TestSwarm:
    def test_no_manager_answers(self, repo: Repository) -> None:
        ran = repo("swarm", "status")
        assert (ran.code, "whether there is one cannot be told while manager master is unreachable" in ran.err) == (
            6,
            True,
        )
        ran = repo("swarm", "rotate-tokens")
        assert ran.code == 5
        assert "no manager of it answers" in ran.err

    def test_recover_wants_the_name_or_a_yes(self, repo: Repository) -> None:
        assert "there is no terminal" in repo("swarm", "recover", "master").err
        assert repo("swarm", "recover", "master", "--yes").code == 6

    def test_a_key_that_others_may_read_is_not_used(self, repo: Repository, tmp_path: Path) -> None:
        key = tmp_path / "key"
        key.write_text("SWMKEY-1-canary\n")
        key.chmod(0o644)
        ran = repo("swarm", "unlock", "master", "--key-file", str(key))
        assert (ran.code, "chmod 600" in ran.err, "canary" in ran.err) == (1, True, False)
        key.write_text("something else\n")
        key.chmod(0o600)
        assert "holds no unlock key" in repo("swarm", "unlock", "master", "--key-file", str(key)).err

    def test_autolock_is_on_or_off(self, repo: Repository) -> None:
        assert "neither on nor off" in repo("swarm", "autolock", "maybe").err


def test_an_unlock_key_that_cannot_be_written_is_one_line(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def unlock_key(_: object) -> str:
        return "SWMKEY-1-x"

    monkeypatch.setattr("deployer.maintenance.swarm.unlock_key", unlock_key)
    code, out, err = cli("swarm", "unlock-key", "--repo", str(tmp_path), "--output", str(tmp_path / "none" / "key"))
    assert (code, out) == (1, "")
    assert err == (
        f"deployer: {tmp_path}/none/key cannot be written: No such file or directory\n"
        "  = help: name a file in a folder of yours\n"
    )
