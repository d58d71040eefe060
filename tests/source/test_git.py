import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.errors import DeployerError, UsageError
from deployer.source import git
from deployer.source.files import MOST_FILES
from tests.source.conftest import GOOD, Repo


def paths(repo: Repo, rev: str = "HEAD") -> list[str]:
    found = git.find(repo.path)
    return [entry.path for entry in git.read(found, git.resolve(found, rev)).entries]


def test_a_commit_is_read_and_not_the_working_tree(repo: Repo) -> None:
    commit = repo.commit({**GOOD, "README.md": "not read", "other/cluster/x.yaml": "not read"})
    repo.write(
        {"stacks/web/compose.yaml": "changed", "stacks/new/compose.yaml": "not committed", "cluster/cluster.yaml": None}
    )
    files = git.read(git.find(repo.path), commit)
    assert files.commit == commit
    assert {entry.path: entry.data.decode() for entry in files.entries} == GOOD
    assert [entry.path for entry in files.entries] == sorted(GOOD)
    assert {entry.mode for entry in files.entries} == {0o100644}
    assert files.entries[0].id == repo.git("rev-parse", "HEAD:cluster/cluster.yaml")
    assert files.problems == ()


def test_revisions(repo: Repo) -> None:
    first = repo.commit(GOOD)
    second = repo.commit({"stacks/a/compose.yaml": "x"})
    repo.git("tag", "-a", "v1", "-m", "annotated", first)
    repo.git("branch", "feature/one", first)
    found = git.find(repo.path)
    expected = {"HEAD": second, "main": second, "HEAD~1": first, "v1": first, first[:10]: first, "feature/one": first}
    assert {rev: git.resolve(found, rev) for rev in expected} == expected


@pytest.mark.parametrize(
    "rev",
    [
        "nope",
        "",
        "--upload-pack=touch canary",
        "--output=canary",
        "-h",
        "HEAD..main",
        "HEAD:stacks",
        "$(touch canary)",
        "main;touch canary",
        "a\nb",
        "a\0b",
        "0" * 40,
        "x" * 100_000,
        "\udc80",
    ],
)
def test_what_names_no_commit_is_one_line_and_nothing_is_run(
    repo: Repo, rev: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit(GOOD)
    monkeypatch.chdir(repo.path)
    before = sorted(repo.path.iterdir())
    with pytest.raises(UsageError, match="there is no commit") as caught:
        git.resolve(git.find(repo.path), rev)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400
    assert sorted(repo.path.iterdir()) == before


def test_what_deployer_keeps_is_no_advice(repo: Repo) -> None:
    repo.commit(GOOD)
    repo.git("update-ref", "refs/deployer/shop/history", "HEAD")
    with pytest.raises(UsageError) as caught:
        git.resolve(git.find(repo.path), "nope")
    assert caught.value.help == "there are main"


def test_a_near_branch_is_named(repo: Repo) -> None:
    repo.commit(GOOD)
    repo.git("branch", "production")
    with pytest.raises(UsageError) as caught:
        git.resolve(git.find(repo.path), "prodution")
    assert caught.value.help == "did you mean production?"


def test_no_commit_yet(repo: Repo) -> None:
    with pytest.raises(UsageError, match="no commit yet"):
        git.resolve(git.find(repo.path), "HEAD")


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a git repository") as caught:
        git.find(tmp_path)
    assert "git init" in caught.value.help
    assert "--worktree" in caught.value.help
    with pytest.raises(UsageError, match="is no directory"):
        git.find(tmp_path / "nowhere")


def test_git_is_missing(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeployerError, match="git is not installed"):
        git.find(repo.path)


def test_bare_repositories_folders_below_and_linked_work_trees(repo: Repo, tmp_path: Path) -> None:
    repo.commit(GOOD)
    repo.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    for path in (tmp_path / "bare.git", repo.path / "stacks" / "web", repo.path / ".git", tmp_path / "linked"):
        assert paths(Repo(path)) == sorted(GOOD)
    assert git.toplevel(repo.path / "stacks") == repo.path
    assert git.toplevel(tmp_path / "bare.git") is None
    assert git.toplevel(tmp_path) is None


def test_packed_objects_and_alternates(repo: Repo, tmp_path: Path) -> None:
    repo.commit(GOOD)
    repo.git("gc", "-q")
    assert paths(repo) == sorted(GOOD)
    repo.git("clone", "-q", "--shared", ".", str(tmp_path / "shared"))
    assert paths(Repo(tmp_path / "shared")) == sorted(GOOD)


def test_sha256_ids_are_named(repo: Repo, tmp_path: Path) -> None:
    other = Repo(tmp_path / "sha256")
    other.path.mkdir()
    other.git("init", "-q", "--object-format=sha256")
    other.commit(GOOD)
    with pytest.raises(UsageError, match="SHA-256"):
        paths(other)


def test_the_callers_git_variables_are_not_followed(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit(GOOD)
    decoy = Repo(tmp_path / "decoy")
    decoy.path.mkdir()
    decoy.git("init", "-q")
    decoy.commit({"cluster/decoy.yaml": "x"})
    monkeypatch.setenv("GIT_DIR", str(decoy.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(decoy.path))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(decoy.path / ".git/objects"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_NAMESPACE", "decoy")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "this is no configuration")
    assert paths(repo) == sorted(GOOD)


def test_a_replaced_object_is_not_read(repo: Repo) -> None:
    commit = repo.commit(GOOD)
    other = repo.git("hash-object", "-w", "--stdin", stdin=b"name: other\n")
    repo.git("replace", repo.git("rev-parse", f"{commit}:cluster/cluster.yaml"), other)
    files = git.read(git.find(repo.path), commit)
    assert files.entries[0].data == GOOD["cluster/cluster.yaml"].encode()


def test_pushed_objects_in_quarantine_are_read(repo: Repo, tmp_path: Path) -> None:
    """A pre-receive hook sees the commit before the repository has its objects."""
    repo.commit(GOOD)
    bare = tmp_path / "bare.git"
    repo.git("init", "-q", "--bare", str(bare))
    hook = bare / "hooks" / "pre-receive"
    code = (
        "import sys; from pathlib import Path; from deployer.source import git\n"
        "found = git.find(Path('.')); rev = sys.stdin.read().split()[1]\n"
        "print(*[entry.path for entry in git.read(found, git.resolve(found, rev)).entries])"
    )
    (tmp_path / "hook.py").write_text(code)
    hook.write_text(f"#!/bin/sh\nPYTHONPATH={Path(git.__file__).parents[2]} exec {sys.executable} {tmp_path}/hook.py\n")
    hook.chmod(0o755)
    done = subprocess.run(
        ["git", "-C", str(repo.path), "push", "-q", str(bare), "main"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "remote: " + " ".join(sorted(GOOD)) in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a directory to another user")
def test_another_users_repository_is_named_and_safe_directory_counts(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit(GOOD)
    for path in (repo.path, repo.path / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(UsageError, match="belongs to another user") as caught:
        git.find(repo.path)
    assert f"safe.directory {repo.path}" in caught.value.help
    (tmp_path / "config").write_text(f"[safe]\n\tdirectory = {repo.path}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    assert paths(repo) == sorted(GOOD)


def test_a_damaged_repository_is_one_line(repo: Repo) -> None:
    commit = repo.commit(GOOD)
    blob = repo.git("rev-parse", "HEAD:stacks/web/compose.yaml")
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(DeployerError, match="git cannot read") as caught:
        git.read(git.find(repo.path), commit)
    assert "fsck" in caught.value.help


def test_an_abbreviated_id_is_no_id(repo: Repo) -> None:
    commit = repo.commit(GOOD)
    for wrong in (commit[:10], "HEAD", "--all", commit + "\n"):
        with pytest.raises(ValueError):
            git.read(git.find(repo.path), wrong)


def test_a_missing_object_is_not_fetched(repo: Repo, tmp_path: Path) -> None:
    """A partial clone would ask its remote, and the remote's transport is a program named by the repository."""
    repo.commit(GOOD)
    canary = tmp_path / "canary"
    blob = repo.git("rev-parse", "HEAD:stacks/web/compose.yaml")
    repo.git("config", "remote.origin.url", "host:repo")
    repo.git("config", "remote.origin.promisor", "true")
    repo.git("config", "extensions.partialClone", "origin")
    repo.git("config", "core.repositoryFormatVersion", "1")
    repo.git("config", "core.sshCommand", f"touch {canary};")
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    found = git.find(repo.path)
    with pytest.raises(DeployerError):
        git.read(found, git.resolve(found, "HEAD"))
    assert not canary.exists()


def test_a_tree_that_unfolds_without_end_is_left_early(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A "git bomb": ten levels of ten times the same tree are 10^10 files in eleven objects."""
    tree = repo.git("hash-object", "-w", "--stdin", stdin=b"x")
    line = f"100644 blob {tree}\tf"
    for _ in range(10):
        tree = repo.git("mktree", stdin=f"{line}\n".encode())
        line = "\n".join(f"040000 tree {tree}\td{number}" for number in range(10))
    top = repo.git("mktree", stdin=f"040000 tree {tree}\tstacks\n".encode())
    commit = repo.git("commit-tree", top, "-m", "bomb")
    listed: list[object] = []
    real = git._listed

    def counted(line: bytes) -> object:
        listed.append(line)
        return real(line)

    monkeypatch.setattr(git, "_listed", counted)
    files = git.read(git.find(repo.path), commit)
    assert len(listed) == MOST_FILES + 1
    assert [(problem.path, problem.message) for problem in files.problems] == [("stacks", "more than 5000 files")]


def test_few_processes_however_many_files(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    real = subprocess.Popen.__init__

    def counted(self: subprocess.Popen[bytes], arguments: object, *others: object, **options: object) -> None:
        started.append(arguments)
        real(self, arguments, *others, **options)  # type: ignore[call-overload]  # whatever it was called with

    def processes(commit: str) -> int:
        git.read(git.find(repo.path), git.resolve(git.find(repo.path), commit))
        started.clear()
        git.read(git.find(repo.path), git.resolve(git.find(repo.path), commit))
        return len(started)

    few, many = repo.commit(GOOD), repo.commit({f"stacks/s{number}/compose.yaml": str(number) for number in range(100)})
    monkeypatch.setattr(subprocess.Popen, "__init__", counted)
    assert processes(few) == processes(many) <= 5


def test_no_process_stays_behind(repo: Repo) -> None:
    paths_read = (repo.commit(GOOD), paths(repo))
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert paths_read
    assert [pid for pid in children if "git" in Path(f"/proc/{pid}/comm").read_text()] == []


def test_git_is_called_by_its_absolute_path() -> None:
    assert git.executable() == shutil.which("git")
    assert Path(git.executable()).is_absolute()
