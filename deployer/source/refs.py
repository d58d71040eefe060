"""What a repository remembers beside its files: its own settings, where its refs stand, which commit follows which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.source import git
from deployer.source.files import MANAGED

if TYPE_CHECKING:
    from pathlib import Path


def setting(repository: git.Repository, key: str) -> str:
    """A value from the repository's own configuration file, nobody else's; empty where there is none."""
    done = git.ask(repository, "config", "--local", "--get", key)
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def value(repository: git.Repository, ref: str) -> str:
    """The full id that a ref stands at; empty where there is no such ref."""
    done = git.ask(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", ref)
    return done.stdout.decode().strip() if done.returncode == 0 else ""


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


def contents(repository: git.Repository, commit: str) -> bytes:
    """What stands for everything under `cluster/` and `stacks/` of a commit: equal where nothing differs; empty where there is neither."""
    return git.ask(repository, "ls-tree", "-z", "--full-tree", git.full_id(commit), "--", *MANAGED).stdout


def record(repository: git.Repository, ref: str, new: str, old: str) -> bool:
    """Set a ref that stands at `old` (empty: that is not there), or remove it (`new` empty). False where it stands elsewhere by now."""
    if not new:
        done = git.ask(repository, "update-ref", "--no-deref", "-d", ref, git.full_id(old))
    else:
        done = git.ask(repository, "update-ref", "--no-deref", ref, git.full_id(new), old or "0" * 40)
    return done.returncode == 0


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


def hooks_folder(path: Path) -> tuple[str, str]:
    """Where git looks for the hooks of the repository at `path`; and the file that says so, where it is not the repository's own.

    `core.hooksPath` counts, wherever it stands.
    """
    where = git.own(path, "rev-parse", "--git-path", "hooks", advice="")
    said = git.own(path, "config", "--show-scope", "--show-origin", "--get", "core.hooksPath", expect=False, advice="")
    scope, _, rest = said.partition("\t")
    foreign = rest.partition("\t")[0] if scope in {"global", "system", "command"} else ""
    return str((path / where).absolute()), foreign


def configure(repository: git.Repository, key: str, value: str | None) -> None:
    """Set one of the repository's own settings; None takes it out."""
    change = ("--replace-all", key, value) if value is not None else ("--unset-all", key)
    done = git.ask(repository, "config", "--local", *change)
    if done.returncode not in ({0} if value is not None else {0, 5}):  # 5: it was not there
        raise DeployerError(f"git cannot write {key}", help="check the owner and mode of the repository's config file")
