"""Which listed files may be read: names, kinds and sizes are bounded before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.model.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

MANAGED: Final = ("cluster", "stacks")
"""The folders that are read; nothing else in a repository is looked at, but the attributes that git gives to what is in them."""
ATTRIBUTES: Final = ".gitattributes"

LARGEST_FILE: Final = 1 << 20
LARGEST_TOTAL: Final = 64 << 20
MOST_FILES: Final = 5_000
LONGEST_PATH: Final = 1_024
LONGEST_NAME: Final = 255

REGULAR: Final = 0o100000
_KIND: Final = 0o170000
_KIND_REFUSALS: Final = {  # git's file types, and those of a directory
    **dict.fromkeys((0o010000, 0o020000, 0o060000, 0o140000), ("is neither a file nor a folder", "remove it")),
    0o040000: ("is a git repository of its own", "put the files themselves here"),
    0o120000: ("is a symbolic link; links are not followed", "put the file itself here"),
    0o160000: ("is a submodule; submodules are not followed", "put the files themselves here"),
}

_IN_GIT_PROPER: Final = "keep this file in git proper"
_OPENED: Final = "encrypt it with SOPS or age: those are opened here"
_STAND_INS: Final = {
    b"version https://git-lfs.github.com/spec/": (
        "is a Git LFS pointer, not the file itself", f"{_IN_GIT_PROPER}: `git lfs untrack`",
    ),
    b"/annex/objects/": ("is a git-annex pointer, not the file itself", f"{_IN_GIT_PROPER}: `git annex unannex`"),
    b"\0GITCRYPT\0": ("is encrypted by git-crypt", _OPENED),
    b"Salted__": ("is encrypted by OpenSSL", _OPENED),
    b"U2FsdGVkX1": ("is encrypted by OpenSSL, as transcrypt does it", _OPENED),
    b"$ANSIBLE_VAULT;": ("is encrypted by Ansible Vault", _OPENED),
    b"-----BEGIN PGP MESSAGE-----": ("is a PGP message", _OPENED),
}  # fmt: skip
"""How a file begins that git keeps in place of another one: git-lfs and git-annex pointers (docs of `git lfs pointer`, git-annex's
"pointer files"), git-crypt's header (AGWA/git-crypt, crypto.cpp), `openssl enc`, and in base64; Ansible Vault's "1.1" format; RFC 9580, 6.2.

Such a file would be deployed as it is: a secret whose content is cipher text.
"""


@dataclass(frozen=True)
class Entry:
    """One file: its path from the repository's root, git's mode and object id (empty in a directory), its bytes."""

    path: str
    mode: int
    id: str
    data: bytes


@dataclass(frozen=True)
class Files:
    """Everything under `cluster/` and `stacks/`, sorted by path. `commit` is a full id, or `worktree`."""

    commit: str
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Listed:
    """A file by name, not read yet. `size` is in bytes; `kind` is its file type, in git's numbers or the system's."""

    path: bytes
    mode: int
    id: str
    size: int

    @property
    def kind(self) -> int:
        return self.mode & _KIND


def admit(listing: Iterable[Listed]) -> tuple[list[tuple[str, Listed]], list[Problem]]:
    """The files to read, by path and sorted, and a problem for each that is refused.

    The listing is consumed no further than the limits go, so it may be as long as it likes.
    """
    admitted: dict[str, Listed] = {}
    problems: list[Problem] = []
    total = 0
    for count, listed in enumerate(listing):
        path = listed.path.decode(errors="backslashreplace")
        if path.partition("/")[0] == ATTRIBUTES and (path != ATTRIBUTES or listed.kind != REGULAR):
            continue  # a folder or a link of the name says nothing to git
        if count >= MOST_FILES:
            problems.append(
                _whole(path.partition("/")[0], f"more than {MOST_FILES} files", "keep what is not deployed elsewhere")
            )
            break
        total += listed.size
        problem = _refusal(listed, path) or (
            path in admitted and ("is listed twice", "repair the repository: `git fsck`")
        )
        if problem:
            problems.append(_whole(path, *problem))
        elif total > LARGEST_TOTAL:
            problems.append(
                _whole(path, f"the files up to here have more than {LARGEST_TOTAL >> 20} MiB", "keep data elsewhere")
            )
            break
        else:
            admitted[path] = listed
    folders = {
        "/".join(parts[:length]) for path in admitted for parts in [path.split("/")] for length in range(1, len(parts))
    }
    for path in sorted(admitted.keys() & folders):
        problems.append(_whole(path, "is a file and a folder at once", "repair the repository: `git fsck`"))
        del admitted[path]
    return sorted(admitted.items()), problems


def content_problem(path: str, data: bytes) -> Problem | None:
    """What only the bytes can tell."""
    for beginning, problem in _STAND_INS.items():
        if data.startswith(beginning):
            return _whole(path, *problem)
    return None


def _refusal(listed: Listed, path: str) -> tuple[str, str] | None:
    refusal = _KIND_REFUSALS.get(listed.kind) or _name_refusal(listed.path)
    if refusal is None and path in MANAGED:
        refusal = "is a file; a folder is wanted here", "see `deployer init`"
    if refusal is None and listed.size > LARGEST_FILE:
        refusal = (
            f"is {listed.size} bytes long; the largest file that is read has {LARGEST_FILE}",
            "keep data elsewhere",
        )
    return refusal


def _name_refusal(path: bytes) -> tuple[str, str] | None:
    rename = "rename it"
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return "has a name that is not UTF-8", rename
    if any(not character.isprintable() for character in text) or "\\" in text:
        return "has a name with a control character or a backslash", rename
    parts = text.split("/")
    if len(path) > LONGEST_PATH or any(len(part.encode()) > LONGEST_NAME for part in parts):
        return "has a name that is too long", rename
    if any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts):
        return "has a name that would leave its folder", "repair the repository: `git fsck`"
    return None


def _whole(path: str, message: str, advice: str) -> Problem:
    return Problem(path, 0, 0, message, advice)
