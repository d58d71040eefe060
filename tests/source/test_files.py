"""What may be read: as a listing, as real commits, and as real directories."""

import os
from itertools import repeat
from pathlib import Path

import pytest

from deployer.source import git, worktree
from deployer.source.files import Files, Listed, admit, content_problem
from tests.source.conftest import GOOD, Repo

REGULAR = 0o100644
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def committed(repo: Repo, commit: str) -> Files:
    return git.read(git.find(repo.path), commit)


def told(files: Files) -> list[tuple[str, int, str]]:
    return sorted((problem.path, problem.line, problem.message) for problem in files.problems)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (b"stacks/../cluster/x", "has a name that would leave its folder"),
        (b"stacks//x", "has a name that would leave its folder"),
        (b"/etc/passwd", "has a name that would leave its folder"),
        (b"stacks/./x", "has a name that would leave its folder"),
        (b"stacks/web/.git/hooks/x", "has a name that would leave its folder"),
        (b"stacks/web/.GIT", "has a name that would leave its folder"),
        (b"stacks/a\\b", "has a name with a control character or a backslash"),
        (b"stacks/a\nb", "has a name with a control character or a backslash"),
        (b"stacks/a\x1b[2Jb", "has a name with a control character or a backslash"),
        (b"stacks/a\x00b", "has a name with a control character or a backslash"),
        ("stacks/a\u202eb".encode(), "has a name with a control character or a backslash"),
        (b"stacks/\xff", "has a name that is not UTF-8"),
        (b"stacks/" + b"a" * 256, "has a name that is too long"),
        (b"stacks/" + b"a/" * 600 + b"x", "has a name that is too long"),
        (b"stacks", "is a file; a folder is wanted here"),
    ],
)
def test_names_that_are_refused(path: bytes, message: str) -> None:
    admitted, problems = admit([Listed(path, REGULAR, "", 1), Listed(b"stacks/fine", REGULAR, "", 1)])
    assert [name for name, _ in admitted] == ["stacks/fine"]
    assert [problem.message for problem in problems] == [message]
    assert all(problem.help for problem in problems)


def test_ordinary_names_are_not() -> None:
    names = ["stacks/web/ü ö", "stacks/web/.env", "stacks/web/a;$(x)", "stacks/web/--help", "stacks/web/.gitignore"]
    admitted, problems = admit(Listed(name.encode(), REGULAR, "", 1) for name in names)
    assert [name for name, _ in admitted] == sorted(names)
    assert problems == []


def test_a_name_twice_and_a_file_that_is_a_folder_too() -> None:
    names = [b"stacks/a", b"stacks/a", b"stacks/b", b"stacks/b/c"]
    admitted, problems = admit(Listed(name, REGULAR, "", 1) for name in names)
    assert [name for name, _ in admitted] == ["stacks/a", "stacks/b/c"]
    assert [(problem.path, problem.message) for problem in problems] == [
        ("stacks/a", "is listed twice"),
        ("stacks/b", "is a file and a folder at once"),
    ]


def test_too_many_files_end_the_listing() -> None:
    admitted, problems = admit(Listed(b"stacks/%d" % number, REGULAR, "", 1) for number, _ in enumerate(repeat(0)))
    assert len(admitted) == 5000
    assert [problem.message for problem in problems] == ["more than 5000 files"]


def test_too_many_bytes_end_the_listing() -> None:
    admitted, problems = admit(
        Listed(b"stacks/%d" % number, REGULAR, "", 1 << 20) for number, _ in enumerate(repeat(0))
    )
    assert len(admitted) == 64
    assert [problem.message for problem in problems] == ["the files up to here have more than 64 MiB"]


def test_links_submodules_large_files_and_lfs_pointers_of_a_commit(repo: Repo) -> None:
    repo.commit(GOOD)
    (repo.path / "stacks/web/link").symlink_to("/etc/passwd")
    (repo.path / "stacks/loop").symlink_to(".")
    repo.write(
        {"stacks/web/large": b"x" * ((1 << 20) + 1), "stacks/web/limit": b"x" * (1 << 20), "stacks/web/lfs": LFS}
    )
    repo.write(
        {
            ".gitmodules": '[submodule "s"]\n\tpath = stacks/sub\n\turl = -u./canary\n',
            ".gitattributes": "*.md filter=x\n",
        }
    )
    repo.git("add", "-A")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.git('rev-parse', 'HEAD')},stacks/sub")
    repo.git("commit", "-q", "-m", "odd")
    files = committed(repo, repo.git("rev-parse", "HEAD"))
    assert told(files) == [
        ("stacks/loop", 0, "is a symbolic link; links are not followed"),
        ("stacks/sub", 0, "is a submodule; submodules are not followed"),
        ("stacks/web/large", 0, "is 1048577 bytes long; the largest file that is read has 1048576"),
        ("stacks/web/lfs", 0, "is a Git LFS pointer, not the file itself"),
        ("stacks/web/link", 0, "is a symbolic link; links are not followed"),
    ]
    assert [entry.path for entry in files.entries] == sorted([*GOOD, "stacks/web/limit"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\0GITCRYPT\0\x01\x02", "is encrypted by git-crypt"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n6238\n", "is encrypted by Ansible Vault"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQ==\n", "is a PGP message"),
        (b"Salted__\x01\x02", "is encrypted by OpenSSL"),
        (b"U2FsdGVkX1+abc=\n", "is encrypted by OpenSSL, as transcrypt does it"),
        (b"/annex/objects/SHA256E-s5--1.txt\n", "is a git-annex pointer, not the file itself"),
    ],
)
def test_cipher_text_is_not_deployed_as_a_secret(repo: Repo, data: bytes, message: str) -> None:
    compose = "services: {web: {image: nginx, secrets: [s]}}\nsecrets: {s: {file: pw}}\n"
    files = committed(repo, repo.commit({**GOOD, "stacks/web/compose.yaml": compose, "stacks/web/pw": data}))
    assert told(files) == [("stacks/web/pw", 0, message)]


@pytest.mark.parametrize(
    "data", [b"age-encryption.org/v1\n-> X25519 a\n", b"a: -----BEGIN PGP MESSAGE-----\n", b"x\0GITCRYPT\0"]
)
def test_what_only_looks_like_it_is_read(data: bytes) -> None:
    assert content_problem("stacks/web/pw", data) is None


def test_a_stacks_folder_that_is_a_link(repo: Repo) -> None:
    (repo.path / "stacks").symlink_to("/etc")
    assert told(committed(repo, repo.commit({"cluster/cluster.yaml": "name: a\n"}))) == [
        ("stacks", 0, "is a symbolic link; links are not followed")
    ]
    assert told(worktree.read(repo.path)) == [("stacks", 0, "is a symbolic link; links are not followed")]


def test_a_tree_made_by_hand_cannot_leave_its_folder(repo: Repo) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", stdin=b"x")
    entry = b"100644 evil\0" + bytes.fromhex(blob)
    inner = repo.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=entry)
    outer = b"40000 ..\0" + bytes.fromhex(inner)
    stacks = repo.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=outer)
    top = repo.git("mktree", stdin=f"040000 tree {stacks}\tstacks\n".encode())
    files = committed(repo, repo.git("commit-tree", top, "-m", "by hand"))
    assert files.entries == ()
    assert told(files) == [("stacks/../evil", 0, "has a name that would leave its folder")]


def test_a_directory_is_read_as_it_is(repo: Repo) -> None:
    repo.commit(GOOD)
    repo.write({"stacks/web/compose.yaml": "changed", "stacks/new/compose.yaml": "new", "elsewhere": "x"})
    files = worktree.read(repo.path)
    assert files.commit == "worktree"
    expected = {**GOOD, "stacks/web/compose.yaml": "changed", "stacks/new/compose.yaml": "new"}
    assert {entry.path: entry.data.decode() for entry in files.entries} == expected
    assert [entry.path for entry in files.entries] == sorted(expected)


def test_the_same_refusals_in_a_directory(repo: Repo) -> None:
    repo.write({**GOOD, "stacks/web/large": b"x" * ((1 << 20) + 1), "stacks/web/lfs": LFS, "stacks/sub/.git/HEAD": "x"})
    (repo.path / "stacks/web/link").symlink_to("/etc/passwd")
    (repo.path / "stacks/web/dangling").symlink_to("/nowhere")
    os.mkfifo(repo.path / "stacks/web/pipe")
    (repo.path / os.fsdecode(b"stacks/web/\xff")).write_text("x")
    files = worktree.read(repo.path)
    assert told(files) == [
        ("stacks/sub/.git", 0, "is a git repository of its own"),
        ("stacks/web/\\xff", 0, "has a name that is not UTF-8"),
        ("stacks/web/dangling", 0, "is a symbolic link; links are not followed"),
        ("stacks/web/large", 0, "is 1048577 bytes long; the largest file that is read has 1048576"),
        ("stacks/web/lfs", 0, "is a Git LFS pointer, not the file itself"),
        ("stacks/web/link", 0, "is a symbolic link; links are not followed"),
        ("stacks/web/pipe", 0, "is neither a file nor a folder"),
    ]
    assert [entry.path for entry in files.entries] == sorted(GOOD)


def test_a_file_that_becomes_a_link_while_it_is_read(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.write(GOOD)
    real = os.open

    def swapped(path: bytes, flags: int) -> int:
        Path(os.fsdecode(path)).unlink()
        Path(os.fsdecode(path)).symlink_to("/etc/passwd")
        return real(path, flags)

    monkeypatch.setattr(os, "open", swapped)
    files = worktree.read(repo.path)
    assert files.entries == ()
    assert {problem.message for problem in files.problems} == {"cannot be read: Too many levels of symbolic links"}


def test_a_directory_without_any_of_it(repo: Repo) -> None:
    assert worktree.read(repo.path) == Files("worktree", ())
