"""What a repository remembers beside its files: its own settings, where its refs stand, which commit follows which."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.source import git
from deployer.source.files import MANAGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

_NONE: Final = "0" * 40
_CRUD: Final = re.compile(r"[<>\x00-\x1f\x7f]")
"""What git's own names of people cannot have."""


def setting(repository: git.Repository, key: str) -> str:
    """A value from the repository's own configuration file, nobody else's; empty where there is none."""
    done = git.ask(repository, "config", "--local", "--get", key)
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def every_setting(repository: git.Repository, key: str) -> list[str]:
    """All values of a key that may stand there more than once."""
    return git.ask(repository, "config", "--local", "--get-all", key).stdout.decode(errors="replace").splitlines()


def settings(repository: git.Repository, section: str) -> dict[str, str]:
    """All values of a section of the same file, by their keys in lower case; of several the last."""
    done = git.ask(repository, "config", "--local", "-z", "--get-regexp", rf"^{re.escape(section)}\.")
    found = (entry.partition("\n") for entry in done.stdout.decode(errors="replace").split("\0") if entry)
    return {name.lower(): value.strip() for name, _, value in found}


def checked_out(repository: git.Repository, ref: str) -> bool:
    """Whether the repository has a working tree, and that is the branch in it."""
    bare = git.ask(repository, "rev-parse", "--is-bare-repository").stdout.strip() == b"true"
    return not bare and git.ask(repository, "symbolic-ref", "--quiet", "HEAD").stdout.decode().strip() == ref


def value(repository: git.Repository, ref: str) -> str:
    """The full id that a ref stands at; empty where there is no such ref."""
    done = git.ask(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", ref)
    return done.stdout.decode().strip() if done.returncode == 0 else ""


def current_branch(repository: git.Repository) -> str:
    """The branch that HEAD names, whether it has a commit or not; `main` where HEAD names none."""
    done = git.ask(repository, "symbolic-ref", "--quiet", "HEAD")
    return done.stdout.decode(errors="replace").strip().removeprefix("refs/heads/") or "main"


def values(repository: git.Repository, prefix: str) -> dict[str, str]:
    """All refs below `prefix`, with their ids."""
    done = git.ask(repository, "for-each-ref", "--format=%(objectname) %(refname)", "--", prefix)
    pairs = (line.partition(" ") for line in done.stdout.decode(errors="surrogateescape").splitlines())
    return {name: id_ for id_, _, name in pairs}


def is_commit(repository: git.Repository, id_: str) -> bool:
    """Whether a full id is that of a commit: not of a tag that names one, and not of nothing."""
    return git.ask(repository, "cat-file", "-t", git.full_id(id_)).stdout == b"commit\n"


def follows(repository: git.Repository, new: str, old: str) -> bool:
    """Whether `old` is in the history of `new`; both are full ids."""
    done = git.ask(repository, "merge-base", "--is-ancestor", git.full_id(old), git.full_id(new))
    return done.returncode == 0


def related(repository: git.Repository, one: str, other: str) -> bool:
    """Whether two full ids have a commit in common."""
    return git.ask(repository, "merge-base", git.full_id(one), git.full_id(other)).returncode == 0


def shallow(repository: git.Repository) -> bool:
    """Whether its history was cut off when it was cloned."""
    return git.ask(repository, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"


def merges(repository: git.Repository, old: str, new: str) -> bool:
    """Whether a merge is among the commits of `new` that `old` does not have."""
    asked = ("rev-list", "--min-parents=2", "--max-count=1", f"{git.full_id(old)}..{git.full_id(new)}")
    return bool(git.ask(repository, *asked, "--").stdout.strip())


def contents(repository: git.Repository, commit: str, *paths: str) -> bytes:
    """What stands for everything under `cluster/` and `stacks/` of a commit, or under `paths`, which are names of our own.

    Equal where nothing differs; empty where there is nothing.
    """
    return git.ask(repository, "ls-tree", "-z", "--full-tree", git.full_id(commit), "--", *(paths or MANAGED)).stdout


def record(repository: git.Repository, ref: str, new: str, old: str) -> bool:
    """Set a ref that stands at `old` (empty: that is not there), or remove it (`new` empty). False where it stands elsewhere by now."""
    if not new:
        done = git.ask(repository, "update-ref", "--no-deref", "-d", ref, git.full_id(old))
    else:
        done = git.ask(repository, "update-ref", "--no-deref", ref, git.full_id(new), old or _NONE)
    return done.returncode == 0


def together(repository: git.Repository, moves: Iterable[tuple[str, str, str]]) -> bool:
    """Move several refs or none of them, each (ref, new, old) as `record` does. False where one stands elsewhere by now."""
    lines = "".join(f"option no-deref\0update {ref}\0{new or _NONE}\0{old or _NONE}\0" for ref, new, old in moves)
    return git.ask(repository, "update-ref", "--stdin", "-z", stdin=lines.encode()).returncode == 0


def write_commit(
    repository: git.Repository,
    files: Mapping[str, bytes],
    message: str,
    parents: Iterable[str],
    *,
    author: str,
    when: datetime,
) -> str:
    """The full id of a new commit with these files at its top, on no ref yet; DeployerError where git cannot write."""

    def write(*arguments: str, stdin: bytes, **also: str) -> str:
        done = git.ask(repository, *arguments, stdin=stdin, also=also)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise DeployerError(f"git cannot write a commit: {said[-1] if said else done.returncode}")
        return done.stdout.decode().strip()

    blobs = {name: write("hash-object", "-w", "--stdin", stdin=data) for name, data in files.items()}
    listing = "".join(f"100644 blob {id_}\t{name}\0" for name, id_ in sorted(blobs.items()))
    tree = write("mktree", "-z", stdin=listing.encode())
    people = {
        f"GIT_{who}_{what}": value
        for who, name in (("AUTHOR", author), ("COMMITTER", "deployer"))
        for what, value in (("NAME", _CRUD.sub("", name) or "somebody"), ("EMAIL", "deployer@localhost"))
    }
    dates = {f"GIT_{who}_DATE": f"@{when.timestamp():.0f} +0000" for who in ("AUTHOR", "COMMITTER")}
    after = [word for parent in parents for word in ("-p", git.full_id(parent))]
    return write("commit-tree", *after, tree, stdin=message.encode(errors="replace"), **people, **dates)


def messages(repository: git.Repository, ref: str, most: int) -> list[tuple[str, str]]:
    """(full id, message) of the newest commits of a ref, along first parents; none where there is no such ref."""
    argv = (
        "log",
        "-z",
        "--first-parent",
        "--no-show-signature",
        "--encoding=UTF-8",
        f"--max-count={most}",
        "--format=%H%n%B",
    )
    done = git.ask(repository, *argv, "--end-of-options", ref)
    found = (one.partition("\n") for one in done.stdout.decode(errors="replace").split("\0") if one)
    return [(id_, message) for id_, _, message in found]


def file(repository: git.Repository, commit: str, path: str) -> bytes | None:
    """The bytes of one file of a commit, by a path of our own; None where there is no such file."""
    done = git.ask(repository, "cat-file", "blob", f"{git.full_id(commit)}:{path}")
    return done.stdout if done.returncode == 0 else None


def initialise(path: Path, branch: str) -> None:
    """Make a bare repository; without templates, which may hold anybody's hooks. DeployerError where git refuses."""
    advice = "name a folder that does not exist yet, or an empty one"
    git.own(
        path,
        "init",
        "--quiet",
        "--bare",
        "--template=",
        "--object-format=sha1",
        f"--initial-branch={branch}",
        advice=advice,
    )


def git_version(path: Path) -> tuple[int, ...]:
    """`(2, 39)`; empty where git does not say."""
    said = re.search(r"(\d+)\.(\d+)", git.own(path, "version", expect=False, advice=""))
    return (int(said[1]), int(said[2])) if said else ()


def hooks_folder(path: Path) -> tuple[str, str]:
    """Where git looks for the hooks of the repository at `path`; and the file that says so, where it is not the repository's own.

    `core.hooksPath` counts, wherever it stands.
    """
    where = git.own(path, "rev-parse", "--git-path", "hooks", advice="")
    said = git.own(path, "config", "--show-scope", "--show-origin", "--get", "core.hooksPath", expect=False, advice="")
    scope, _, rest = said.partition("\t")
    foreign = rest.partition("\t")[0] if scope in {"global", "system", "command"} else ""
    return str((path / where).absolute()), foreign


def configure(
    repository: git.Repository, key: str, value: str | None, *, add: bool = False, only: str | None = None
) -> None:
    """Set one of the repository's own settings; None takes it out. `add`: beside others of the key; `only`: that one of them."""
    change: tuple[str, ...] = ("--add" if add else "--replace-all", key, value or "")
    if value is None:
        change = ("--unset-all", key, *((f"^{re.escape(only)}$",) if only else ()))
    done = git.ask(repository, "config", "--local", *change)
    if done.returncode not in ({0} if value is not None else {0, 5}):  # 5: it was not there
        raise DeployerError(f"git cannot write {key}", help="check the owner and mode of the repository's config file")
