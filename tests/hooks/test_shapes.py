"""Pushes of every shape: each does the sensible thing, and says it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from deployer.memory import history

if TYPE_CHECKING:
    from tests.hooks.conftest import Clone, Server

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12\n"


def test_a_force_push_is_refused_unless_what_it_replaces_is_named(live: Clone, server: Server) -> None:
    before = server.head
    live.git("commit", "-q", "--amend", "-m", "another")
    commit = live.stack("nginx:2")
    refused = live.push("--force", "origin", "main")
    assert refused.code == 1
    assert f"git push --force -o replaces={before[:10]}" in refused
    assert live.push("--force", "-o", "replaces=1234567", "origin", "main").code == 1
    done = live.push("--force", "-o", f"replaces={before[:10]}", "-o", "reason=wrong file", "origin", "main")
    assert done.code == 0, done.said
    assert server.head == server.deployed == commit
    assert history.entries(server.path)[0].reason == "wrong file"


def test_what_a_guard_refuses_is_not_accepted_unless_it_is_named(live: Clone, server: Server) -> None:
    before = server.head
    server.set("refuse")
    commit = live.stack("nginx:2")
    refused = live.push()
    assert refused.code == 1
    assert "stack db would be removed" in refused
    assert "if it is to go: -o allow-delete=db" in refused
    assert server.head == before
    assert live.push("-o", "allow-delete=db", "origin", "main").code == 0
    assert server.deployed == commit


def test_other_branches_may_go_and_be_rewritten(live: Clone, server: Server) -> None:
    live.push("origin", "HEAD:refs/heads/feature")
    live.git("commit", "-q", "--amend", "-m", "another")
    assert live.push("--force", "origin", "HEAD:refs/heads/feature").code == 0
    gone = live.push("origin", ":feature")
    assert gone.code == 0
    assert "feature: deleted; that deploys nothing" in gone
    assert server.git("for-each-ref", "refs/heads/feature") == ""


def test_a_tag_is_accepted_moved_and_deleted_and_deploys_nothing(live: Clone, server: Server) -> None:
    applied = server.applied
    live.git("tag", "-a", "-m", "one", "v1")
    assert "v1: a tag deploys nothing" in live.push("origin", "v1")
    live.git("tag", "-f", "-a", "-m", "two", "v1")
    assert live.push("--force", "origin", "v1").code == 0
    assert "v1: deleted; that deploys nothing" in live.push("origin", ":v1")
    assert server.applied == applied


def test_the_branch_comes_with_a_first_push_whatever_else_was_there(clone: Clone, server: Server) -> None:
    assert clone.push("origin", "HEAD:refs/heads/other").code == 0
    assert server.applied == []
    commit = clone.git("rev-parse", "HEAD")
    assert f"-----> main: new..{commit[:10]}" in clone.push()
    assert server.deployed == commit


def test_a_first_push_without_our_files_is_refused(clone: Clone, server: Server) -> None:
    clone.git("checkout", "-q", "--orphan", "empty")
    clone.git("rm", "-rfq", ".")
    clone.commit({"README": "words\n"})
    done = clone.push("origin", "empty:main")
    assert done.code == 1
    assert "cluster/cluster.yaml" in done.said
    assert server.head == ""


def test_a_commit_that_loses_all_our_files_is_refused(live: Clone, server: Server) -> None:
    before = server.head
    live.git("rm", "-rfq", "cluster", "stacks")
    live.commit({"README": "words\n"})
    done = live.push()
    assert done.code == 1
    assert "cluster/cluster.yaml: error: does not exist" in done.said
    assert server.head == before


def test_a_merge_of_500_commits_is_one_deploy_of_its_last(live: Clone, server: Server) -> None:
    base = live.git("rev-parse", "HEAD")
    lines = ["reset refs/heads/side", f"from {base}", ""]
    for number in range(500):
        image = f"services:\n  web:\n    image: nginx:{number}\n"
        lines += ["commit refs/heads/side", "committer t <t@example.org> 1755871200 +0000", "data 1", "x",
                  "M 100644 inline stacks/web/compose.yaml", f"data {len(image)}", image]  # fmt: skip
    argv = ["git", "-C", str(live.path), "fast-import", "--quiet"]
    subprocess.run(argv, input="\n".join(lines).encode(), check=True, capture_output=True)
    live.git("merge", "-q", "--no-ff", "-m", "all of it", "side")
    done = live.push()
    assert done.code == 0, done.said
    assert server.applied.count(f"begin {live.git('rev-parse', 'HEAD')}") == 1
    assert len([line for line in server.applied if line.startswith("begin")]) == 2
    assert server.images == {"web_web": "nginx:499"}


def test_several_commits_of_which_only_the_last_is_valid(live: Clone, server: Server) -> None:
    """What is deployed is checked, and not what is passed on the way to it."""
    live.commit({"stacks/web/compose.yaml": "services:\n  web:\n    imag: x\n"})
    commit = live.stack("nginx:2")
    assert live.push().code == 0
    assert server.deployed == commit


@pytest.mark.parametrize("path", ["stacks/web/data.bin", "stacks/web/compose.yaml"])
def test_an_lfs_pointer_is_named(live: Clone, server: Server, path: str) -> None:
    before = server.head
    live.commit({path: LFS})
    done = live.push()
    assert done.code == 1
    assert f"{path}: error: is a Git LFS pointer, not the file itself" in done.said
    assert "git lfs untrack" in done
    assert server.head == before


def test_a_submodule_is_named(live: Clone, server: Server) -> None:
    before = server.head
    live.write({".gitmodules": '[submodule "x"]\n\tpath = stacks/x\n\turl = ext::sh -c touch% /tmp/pwned\n'})
    live.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},stacks/x")
    live.git("add", ".gitmodules")
    live.git("commit", "-q", "-m", "a submodule")
    done = live.push("--no-recurse-submodules", "origin", "main")
    assert done.code == 1
    assert "stacks/x: error: is a submodule; submodules are not followed" in done.said
    assert server.head == before


def test_a_repository_with_work_tree_is_pushed_to_as_git_says(live: Clone, server: Server) -> None:
    """Only where the branch is not checked out; git's own refusal is what the pusher reads."""
    server.git("config", "core.bare", "false")
    before = server.head
    live.stack("nginx:2")
    done = live.push()
    assert done.code == 1
    assert "branch is currently checked out" in done
    assert server.head == before
    assert server.deployed == before


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("refs/tags/main", "a tag 'main' would hide the branch of that name"),
        ("refs/tags/origin/main", "a tag 'origin/main' would hide the branch of that name"),
        ("refs/tags/feature", "there is a branch 'feature'; a tag of that name would hide it"),
        ("refs/heads/v1", "there is a tag 'v1'; a branch of that name would hide it"),
    ],
)
def test_a_tag_and_a_branch_of_one_name_are_refused(live: Clone, ref: str, message: str) -> None:
    """`git push origin main` ends with "src refspec main matches more than one" in every clone that has both."""
    assert live.push("origin", "HEAD:refs/heads/feature", "HEAD:refs/tags/v1").code == 0
    done = live.push("origin", f"HEAD:{ref}")
    assert done.code == 1
    assert message in done, done.said
    assert live.push("origin", ":refs/tags/v1").code == 0, "one that is there may go"
