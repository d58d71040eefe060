"""Hooks into a repository and out again; what was there before is neither lost nor skipped."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import deployer
from deployer.errors import DeployerError, UsageError
from deployer.hooks.install import SETTINGS, install, remote_init, uninstall
from tests.source.conftest import GOOD, Repo

if TYPE_CHECKING:
    from tests.hooks.conftest import Clone, Server

TYPO = {"stacks/web/compose.yaml": "services:\n  web:\n    imag: nginx\n"}
ROOT = Path(deployer.__file__).parents[1]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo(tmp_path / "repo")
    repo.path.mkdir()
    repo.git("init", "-q", "-b", "main")
    repo.commit(GOOD)
    return repo


@pytest.fixture
def said() -> list[str]:
    return []


def script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def commit(repo: Repo, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ["git", "-C", str(repo.path), "commit", "-q", "-m", "x", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_commit_with_a_typo_is_refused_and_a_staged_one_counts(repo: Repo, said: list[str]) -> None:
    install(repo.path, said.append, server=False)
    repo.write(TYPO)
    repo.git("add", "-A")
    repo.write(GOOD)  # what lies there does not count
    refused = commit(repo)
    assert refused.returncode == 1
    assert "stacks/web/compose.yaml:3:5: error: unknown key 'imag'" in refused.stdout + refused.stderr
    repo.write({**TYPO, "stacks/web/notes.txt": "x\n"})
    repo.git("add", "-A")
    only = commit(repo, "stacks/web/notes.txt")
    assert only.returncode == 0, "this commit has no typo, though one is staged: " + only.stderr


def test_it_runs_the_hook_that_was_there_and_gives_it_back(repo: Repo, said: list[str]) -> None:
    hook = repo.path / ".git/hooks/pre-commit"
    script(hook, "echo mine; exit 3")
    before = hook.read_text()
    install(repo.path, said.append, server=False)
    install(repo.path, said.append, server=False)
    assert (hook.with_name("pre-commit.before-deployer")).read_text() == before
    repo.write({"stacks/web/notes.txt": "x\n"})
    repo.git("add", "-A")
    refused = commit(repo)
    assert refused.returncode == 1
    assert "mine" in refused.stdout + refused.stderr
    uninstall(repo.path, said.append)
    assert hook.read_text() == before
    assert not hook.with_name("pre-commit.before-deployer").exists()
    assert sum(line.startswith("kept ") for line in said) == 1


def test_a_hook_that_is_a_link_keeps_its_target(repo: Repo, said: list[str], tmp_path: Path) -> None:
    script(tmp_path / "shared", "exit 0")
    hook = repo.path / ".git/hooks/pre-commit"
    hook.unlink(missing_ok=True)
    hook.parent.mkdir(exist_ok=True)
    hook.symlink_to(tmp_path / "shared")
    install(repo.path, said.append, server=False)
    assert "deployer" not in (tmp_path / "shared").read_text()
    uninstall(repo.path, said.append)
    assert hook.readlink() == tmp_path / "shared"


def test_hooks_path_counts_where_it_is_the_repositorys_own(repo: Repo, said: list[str]) -> None:
    repo.git("config", "core.hooksPath", "githooks")
    install(repo.path, said.append, server=False)
    assert (repo.path / "githooks/pre-commit").exists()
    assert not (repo.path / ".git/hooks/pre-commit").exists()


def test_everybodys_hooks_are_not_touched(
    repo: Repo, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gitconfig").write_text(f"[core]\n\thooksPath = {tmp_path}/all\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    with pytest.raises(DeployerError, match="everybody's") as caught:
        install(repo.path, said.append, server=False)
    assert "config core.hooksPath" in caught.value.help
    assert not (tmp_path / "all").exists()


def test_settings_are_said_and_given_back(repo: Repo, said: list[str]) -> None:
    repo.git("config", "receive.denyDeletes", "false")
    config = repo.git("config", "--local", "--list")
    install(repo.path, said.append, server=True)
    for key, value in SETTINGS.items():
        assert repo.git("config", key) == value
        assert f"{key} = {value}" in said
    install(repo.path, said.append, server=True)
    uninstall(repo.path, said.append)
    assert repo.git("config", "--local", "--list") == config


def test_a_setting_that_was_changed_since_stays(repo: Repo, said: list[str]) -> None:
    install(repo.path, said.append, server=True)
    repo.git("config", "receive.maxInputSize", "1000")
    uninstall(repo.path, said.append)
    assert repo.git("config", "receive.maxInputSize") == "1000"


def test_remote_init_is_for_new_folders_and_for_its_own(tmp_path: Path, said: list[str], repo: Repo) -> None:
    remote_init(tmp_path / "a/server.git", "live", said.append)
    remote_init(tmp_path / "a/server.git", "live", said.append)
    server = Repo(tmp_path / "a/server.git")
    assert server.git("symbolic-ref", "HEAD") == "refs/heads/live"
    assert server.git("config", "deployer.branch") == "live"
    with pytest.raises(UsageError, match="is no bare repository"):
        remote_init(repo.path, "main", said.append)
    with pytest.raises(UsageError, match="is not a git repository"):
        remote_init(tmp_path, "main", said.append)
    with pytest.raises(DeployerError, match="server cannot be made: ") as caught:
        remote_init(tmp_path / "a/server.git/HEAD/server", "main", said.append)
    assert caught.value.help == "name a folder of yours"


def test_the_servers_own_hook_runs_first_with_what_is_pushed(live: Clone, server: Server) -> None:
    first = server.path / "hooks/pre-receive.before-deployer"
    script(first, f"cat > {server.path}/seen; exit 0")
    commit = live.commit({"README": "x\n"})
    assert live.push().code == 0
    assert (server.path / "seen").read_text().split()[1:] == [commit, "refs/heads/main"]
    script(first, "echo not today; exit 1")
    live.commit({"README": "y\n"})
    refused = live.push()
    assert refused.code == 1
    assert "not today" in refused
    assert server.head == commit


@pytest.mark.parametrize("name", ["pre-commit", "pre-receive", "proc-receive", "post-receive"])
def test_the_scripts_only_run_deployer(name: str) -> None:
    lines = (ROOT / "hooks" / name).read_text().splitlines()
    assert len(lines) < 20
    assert [line for line in lines if not line.startswith("#")] == [f'exec deployer hook {name} -- "$@"']
