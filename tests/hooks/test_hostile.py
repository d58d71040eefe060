"""Pushes by somebody who means harm: each is refused with a line that says why."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from deployer.errors import UsageError
from deployer.hooks import pushed
from deployer.hooks.environment import concerning_us

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hooks.conftest import Clone, Server

ID = "1" * 40
BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/refs/heads/main", "refs/heads/heads/main", "refs/heads/tags/v1", "refs/tags/refs/heads/main",
        "refs/heads/refs", "refs/heads/HEAD", "HEAD", "main", "refs/heads/", "refs/heads/-x", "refs/heads/--upload-pack=x",
        "refs/heads/$(touch${IFS}pwn)", "refs/heads/a;id", "refs/heads/a`id`", "refs/heads/a'b", 'refs/heads/a"b',
        "refs/heads/a|b", "refs/heads/a&b", "refs/heads/a%s", "refs/heads/a\x85b", "refs/heads/a\nb", "refs/heads/a\u202eb",
        "refs/heads/" + "a" * 201, "refs/deployer/test/deployed", "refs/for/main", "refs/pull/1/head", "refs/remotes/o/main",
    ],
)  # fmt: skip
def test_refs_that_are_not_accepted(ref: str) -> None:
    with pytest.raises(UsageError) if "\n" not in ref else pytest.raises(Exception, match="a line that is none"):
        pushed.updates(f"{ID} {ID} {ref}\n".encode())


@pytest.mark.parametrize(
    "name", ["main", "feature/x-1", "a.b_c", "dependabot/npm/@types/node", "v1.0+build", "refsx/y"]
)
def test_refs_that_are(name: str) -> None:
    (update,) = pushed.updates(f"{ID} {ID} refs/heads/{name}\n".encode())
    assert (update.kind, update.name) == ("heads", name)


@pytest.mark.parametrize("lines", [b"x\n", b"1 2 refs/heads/main\n", b"\xff\xfe\n", f"{ID} {ID}\n".encode()])
def test_lines_that_are_none(lines: bytes) -> None:
    with pytest.raises(Exception, match="a line that is none"):
        pushed.updates(lines)


def test_no_more_refs_than_can_be_looked_at() -> None:
    with pytest.raises(UsageError, match="more than 200 refs"):
        pushed.updates(b"".join(f"{ID} {ID} refs/heads/b{n}\n".encode() for n in range(201)))


def test_a_branch_name_that_would_block_everybody(live: Clone, server: Server) -> None:
    before = server.git("for-each-ref")
    done = live.push(
        "origin", "HEAD:refs/heads/refs/heads/main", "HEAD:refs/heads/$(id)", "HEAD:refs/deployer/test/deployed"
    )
    assert done.code == 1
    assert "is not accepted" in done
    assert server.git("for-each-ref") == before
    live.commit({"README": "words\n"})
    assert live.push().code == 0


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("stacks/web/big", "x" * ((1 << 20) + 1), "stacks/web/big: error: is 1048577 bytes long"),
        ("stacks/web/$(id)\n-x", "x", r"stacks/web/$(id)\n-x: error: has a name with a control character"),
        ("stacks/web/a\x1b[31mb", "x", r"a\x1b[31mb: error: has a name with a control character"),
        ("stacks/web/compose.yaml", BOMB, "stacks/web/compose.yaml:"),
        ("stacks/web/compose.yaml", "[" * 30_000, "stacks/web/compose.yaml:1:"),
        (
            "cluster/nodes/-oProxyCommand=id.yaml",
            "address: 10.0.0.1\nswarm: worker\n",
            "cluster/nodes/-oProxyCommand=id.yaml",
        ),
        ("cluster/nodes/m2.yaml", "address: -oProxyCommand=id\nswarm: worker\n", "cluster/nodes/m2.yaml:1:"),
        (
            "stacks/web/compose.yaml",
            "services: {web: {image: nginx, env_file: ../../../etc/passwd}}\n",
            "stacks/web/compose.yaml:1:",
        ),
    ],
    ids=["huge", "newline", "escape", "alias-bomb", "nesting", "node-name", "address", "path"],
)
def test_files_that_are_not_accepted(live: Clone, server: Server, path: str, content: str, words: str) -> None:
    before = server.head, server.applied
    live.commit({path: content})
    done = live.push()
    assert done.code == 1
    assert words in done.said
    assert "Refused: nothing of this push was accepted." in done
    assert "\x1b" not in done.said
    assert "root:" not in done.said
    assert (server.head, server.applied) == before


@pytest.mark.parametrize(
    ("mode", "words"), [("120000", "is a symbolic link; links are not followed"), ("160000", "is a submodule")]
)
def test_links_and_submodules(live: Clone, server: Server, mode: str, words: str) -> None:
    before = server.head
    target = live.git("hash-object", "-w", "--stdin", stdin=b"/etc/passwd") if mode == "120000" else ID
    live.git("update-index", "--add", "--cacheinfo", f"{mode},{target},stacks/web/out")
    live.git("commit", "-q", "-m", "out")
    done = live.push()
    assert done.code == 1
    assert f"stacks/web/out: error: {words}" in done.said
    assert server.head == before


@pytest.mark.parametrize("name", ["..", ".git"])
def test_a_tree_that_would_leave_its_folder(live: Clone, server: Server, name: str) -> None:
    before = server.head
    blob = live.git("hash-object", "-w", "--stdin", stdin=b"x\n")
    inner = live.git("mktree", stdin=f"100644 blob {blob}\t{name}\n".encode())
    tree = live.git("mktree", stdin=f"040000 tree {inner}\tstacks\n".encode())
    commit = live.git("commit-tree", "-p", "HEAD", "-m", "out", tree)
    assert live.push("origin", f"{commit}:refs/heads/main").code == 1
    assert server.head == before


def test_a_branch_that_is_no_commit(live: Clone) -> None:
    live.git("tag", "-a", "-m", "a tag", "v1")
    done = live.push("origin", "v1:refs/tags/v1")
    assert done.code == 0
    assert "a tag deploys nothing" in done


def test_a_hostile_environment(live: Clone, server: Server, tmp_path: Path) -> None:
    """Of Python, of git, and a search path that begins where the hook stands."""
    canary = tmp_path / "canary"
    evil = tmp_path / "evil"
    evil.mkdir()
    (evil / "sitecustomize.py").write_text(f"open({str(canary)!r}, 'w')\n")
    (evil / "deployer.py").write_text(f"open({str(canary)!r}, 'w')\n")
    for folder in (evil, server.path):
        for name in ("docker", "ssh", "git-evil"):
            (folder / name).write_text(f"#!/bin/sh\ntouch {canary}\n")
            (folder / name).chmod(0o755)
    commit = live.stack("nginx:2")
    done = live.push(
        PYTHONPATH=str(evil),
        PYTHONHOME=str(evil),
        PYTHONSTARTUP=str(evil / "deployer.py"),
        GIT_SSH_COMMAND=str(evil / "ssh"),
        GIT_EXTERNAL_DIFF=str(evil / "docker"),
        GIT_ASKPASS=str(evil / "docker"),
        PATH=f".:{os.environ['PATH']}",
    )
    assert done.code == 0, done.said
    assert server.deployed == commit
    assert not canary.exists()


def test_what_stays_of_an_environment() -> None:
    kept = concerning_us(
        {
            "HOME": "/h", "PATH": "/usr/bin:.::rel:/bin", "LC_ALL": "C", "SSH_AUTH_SOCK": "/s", "XDG_CACHE_HOME": "/c",
            "GIT_QUARANTINE_PATH": "/q", "GIT_PUSH_OPTION_COUNT": "1", "GIT_PUSH_OPTION_0": "plan", "GIT_DIR": ".",
            "GIT_CONFIG_COUNT": "1", "LD_PRELOAD": "/x", "PYTHONPATH": "/x", "BASH_ENV": "/x", "GIT_TRACE": "/x",
            "COMPOSE_FILE": "/x", "DOCKER_CONFIG": "/x",
        }
    )  # fmt: skip
    assert kept == {
        "HOME": "/h", "PATH": "/usr/bin:/bin", "LC_ALL": "C", "SSH_AUTH_SOCK": "/s", "XDG_CACHE_HOME": "/c",
        "GIT_QUARANTINE_PATH": "/q", "GIT_PUSH_OPTION_COUNT": "1", "GIT_PUSH_OPTION_0": "plan",
    }  # fmt: skip
