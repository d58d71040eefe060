import json
import os
from pathlib import Path

import pytest

from deployer.errors import DeployerError, UsageError
from deployer.source import load, scaffold
from deployer.source.schemas import KINDS, schema
from tests.source.conftest import Repo


def contents(directory: Path) -> dict[str, str]:
    found = (
        path for path in directory.rglob("*") if path.is_file() and ".git" not in path.relative_to(directory).parts
    )
    return {str(path.relative_to(directory)): path.read_text() for path in found}


@pytest.fixture
def _named_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Some_Host.example.org")


@pytest.mark.usefixtures("_named_host")
def test_a_new_repository_has_no_problem(tmp_path: Path) -> None:
    made = scaffold.lay_out(tmp_path / "My Cluster")
    desired = load(tmp_path / "My Cluster")
    assert desired.commit == made.commit
    assert desired.warnings == ()
    assert desired.cluster.name == "my-cluster"
    (node,) = desired.cluster.nodes
    assert (node.name, node.local, node.role, node.engine.install) == ("some-host", True, "manager", "none")
    assert desired.cluster.consul is None
    assert [stack.name for stack in desired.stacks] == ["hello"]
    assert made.written == tuple(sorted(contents(tmp_path / "My Cluster")))


def test_nothing_is_left_to_commit_and_the_commit_is_the_users(tmp_path: Path) -> None:
    made = scaffold.lay_out(tmp_path / "new")
    repo = Repo(tmp_path / "new")
    assert repo.git("status", "--porcelain") == ""
    assert repo.git("log", "--format=%an <%ae>") == "Tester <tester@example.org>"
    assert made.signed
    assert "deployer's name" not in scaffold.next_steps(made)


def test_where_git_knows_no_name_the_commit_has_ours_and_the_configuration_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))]:
        monkeypatch.delenv(name)
    made = scaffold.lay_out(tmp_path / "new")
    repo = Repo(tmp_path / "new")
    assert repo.git("log", "--format=%an <%ae>") == "deployer <deployer@localhost>"
    assert not made.signed
    assert "deployer's name" in scaffold.next_steps(made)
    assert "user" not in repo.git("config", "--local", "--list")


def test_a_repository_that_is_there_is_left_to_its_owner(repo: Repo) -> None:
    repo.write({"README.md": "mine", ".gitignore": "mine"})
    made = scaffold.lay_out(repo.path)
    assert made.commit is None
    assert "nothing is committed" in scaffold.next_steps(made)
    assert contents(repo.path)[".gitignore"] == "mine"
    assert ".gitignore" not in made.written
    assert repo.git("for-each-ref") == ""
    assert load(repo.path, worktree=True).warnings == ()


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ({"cluster/cluster.yaml": "mine"}, "cluster/cluster.yaml"),
        ({"cluster/cluster.yml": "mine"}, "cluster/cluster.yml"),
        ({"stacks/hello.yaml": "mine"}, "stacks/hello.yaml"),
        ({"stacks/hello/docker-compose.yml": "mine"}, "stacks/hello/docker-compose.yml"),
        ({"stacks": "mine"}, "stacks"),
        (
            {"cluster/cluster.yaml": "mine", "stacks/hello/compose.yaml": "mine", "cluster/nodes/m.yaml": "other"},
            "cluster/cluster.yaml, stacks/hello/compose.yaml",
        ),
        ({".deployer/schemas/node.json": "mine"}, ".deployer/schemas/node.json"),
    ],
)
def test_what_is_in_the_way_is_named_and_nothing_is_written(tmp_path: Path, there: dict[str, str], named: str) -> None:
    Repo(tmp_path).write(there)
    with pytest.raises(UsageError) as caught:
        scaffold.lay_out(tmp_path)
    assert caught.value.message == f"{tmp_path} already has {named}"
    assert contents(tmp_path) == there
    assert not (tmp_path / ".git").exists()


def test_links_are_in_the_way_too(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "cluster").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "new" / "stacks").mkdir()
    (tmp_path / "new" / "stacks" / "hello").symlink_to("/nowhere")
    with pytest.raises(UsageError, match=r"already has cluster, stacks/hello$"):
        scaffold.lay_out(tmp_path / "new")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_below_the_top_of_a_repository(repo: Repo) -> None:
    for directory in (repo.path / "below", repo.path / "not" / "there"):
        with pytest.raises(UsageError, match="is inside the repository") as caught:
            scaffold.lay_out(directory)
        assert str(repo.path) in caught.value.help
        assert "git init" in caught.value.help
    assert contents(repo.path) == {}


def test_a_commit_that_git_refuses_leaves_the_files_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text("[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = /bin/false\n[user]\n\temail = a@b\n\tname = a\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    with pytest.raises(DeployerError, match="git refuses: ") as caught:
        scaffold.lay_out(tmp_path / "new")
    assert "git commit" in caught.value.help
    assert load(tmp_path / "new", worktree=True).stacks[0].name == "hello"


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeployerError, match="cannot be written: Not a directory"):
        scaffold.lay_out(tmp_path / "file" / "below")


def test_the_callers_git_variables_do_not_count(tmp_path: Path, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit({"a": "b"})
    monkeypatch.setenv("GIT_DIR", str(repo.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo.path / ".git/index"))
    made = scaffold.lay_out(tmp_path / "new")
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert Repo(tmp_path / "new").git("rev-parse", "HEAD") == made.commit
    assert repo.git("log", "--format=%s") == "a commit"


@pytest.mark.parametrize(("name", "expected"), [("---", "cluster"), ("Ünïcode", "n-code"), ("a" * 80, "a" * 63)])
def test_every_directory_gives_a_valid_name(tmp_path: Path, name: str, expected: str) -> None:
    scaffold.lay_out(tmp_path / name)
    assert load(tmp_path / name).cluster.name == expected


def test_the_comments_point_at_schemas_that_are_there_and_current(tmp_path: Path) -> None:
    scaffold.lay_out(tmp_path)
    found = contents(tmp_path)
    for path, text in found.items():
        for line in text.splitlines():
            if "yaml-language-server" in line:
                target = (tmp_path / path).parent / line.partition("$schema=")[2]
                assert json.loads(target.read_text()) == schema("node" if "nodes" in path else "cluster")
    assert {f".deployer/schemas/{kind}.json" for kind in KINDS} <= set(found)


@pytest.mark.usefixtures("_named_host")
def test_the_examples_in_the_comments_are_valid_too(tmp_path: Path) -> None:
    """Every commented setting, taken in, still makes a valid repository."""
    scaffold.lay_out(tmp_path)
    cluster, node, stack = (
        tmp_path / p for p in ("cluster/cluster.yaml", "cluster/nodes/some-host.yaml", "stacks/hello/compose.yaml")
    )

    def uncomment(path: Path, *starts: str) -> None:
        lines = path.read_text().splitlines()
        changed = [line[2:] if line.startswith(tuple(f"# {start}" for start in starts)) else line for line in lines]
        assert sum(one != other for one, other in zip(lines, changed, strict=True)) == len(starts)
        path.write_text("\n".join(changed))

    uncomment(cluster, "ssh: ", "  daemon: ", "consul: ")
    uncomment(node, "advertise: ", "labels: ", "availability: ")
    node.write_text(node.read_text() + "\nconsul: server\n")
    uncomment(stack, "x-deployer:", "  after: ", "  wait: ")
    (tmp_path / "stacks/database.yaml").write_text("services: {}\n")
    desired = load(tmp_path, worktree=True)
    assert desired.stacks[1].settings.after == ("database",)
    assert desired.cluster.nodes[0].engine.daemon == {"log-driver": "local"}
