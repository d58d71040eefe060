"""git: the one module that knows it. Commits are read as objects, never by a checkout.

Whatever a person or a push can name (revisions, paths) goes to git as an argument list after `--end-of-options` or `--`,
with git's own variables cleaned from the environment. GitPython reads objects, by full id
only: that is where it is at home.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError, UsageError
from deployer.source.attributes import refuse_filtered
from deployer.source.files import ATTRIBUTES, MANAGED, Entry, Files, Listed, admit, content_problem

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

_TIMEOUT: Final = 60.0  # seconds, for any one call: all of them are local
_LONGEST_REVISION: Final = 1_000
_FULL_ID: Final = re.compile("[0-9a-f]{40}")
_NAMED: Final = ("refs/heads", "refs/remotes", "refs/tags")  # those that a user knows: ours are not named

# No remote is ever asked: a partial clone's promisor, a `file://` remote with its own upload-pack, an `ssh` command from
# the repository's configuration would all be ways to run a program by reading an object.
_CONFIG: Final = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "protocol.allow": "never",
    "core.sshCommand": "false",
}
_LOCAL: Final = {  # `git rev-parse --local-env-vars`, but for the configuration
    "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_GRAFT_FILE",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_IMPLICIT_WORK_TREE", "GIT_SHALLOW_FILE", "GIT_NAMESPACE",
}  # fmt: skip
_NOTHING: Final[dict[str, str]] = {}
_QUARANTINE: Final = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


@dataclass(frozen=True)
class Repository:
    """A repository, bare or not: its git directory, the one that linked work trees share, and its objects (all absolute)."""

    path: Path
    git_dir: str
    common: str
    objects: str


def find(path: Path) -> Repository:
    """The repository at or above `path`; UsageError where there is none."""
    if not path.is_dir():
        raise UsageError(f"{path} is no directory", help="name the repository with --repo")
    ask = ("rev-parse", "--absolute-git-dir", "--git-common-dir", "--git-path", "objects")
    done = _run(ask, _outside(), path)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        if "dubious ownership" in said or "not owned" in said:
            advice = f"if you trust it: git config --global --add safe.directory {path.resolve()}"
            raise UsageError(f"{path} belongs to another user, so git does not read it", help=advice)
        raise UsageError(
            f"{path} is not a git repository",
            help="make it one with `git init`, or try its files as they are with --worktree",
        )
    git_dir, common, objects = os.fsdecode(done.stdout).split("\n")[:3]
    return Repository(path, git_dir, str((path / common).resolve()), str((path / objects).resolve()))


def resolve(repository: Repository, rev: str) -> str:
    """The full id of the commit that `rev` names (a branch, a tag, an id, `HEAD~2`); UsageError where there is none."""
    if rev and len(rev) <= _LONGEST_REVISION and rev.isprintable():
        done = ask(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
        if done.returncode == 0:
            return _usable(done.stdout.decode().strip())
    listed = ask(repository, "for-each-ref", "--count=2000", "--format=%(refname:short)", *_NAMED)
    names = listed.stdout.decode(errors="replace").split()
    if not names:
        raise UsageError(
            "the repository has no commit yet", help="commit your files, or try them as they are with --worktree"
        )
    near = difflib.get_close_matches(rev[:100], names, n=3)
    advice = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(names[:5])}"
    raise UsageError(f"there is no commit {rev[:100]!r} in {repository.path}", help=advice)


def full_id(text: str) -> str:
    """The text, which is an object's full id; ValueError where it is not."""
    if not _FULL_ID.fullmatch(text):
        raise ValueError(text)
    return text


def _usable(commit: str) -> str:
    if not _FULL_ID.fullmatch(commit):
        raise UsageError("the repository has SHA-256 object ids", help="use one with SHA-1: GitPython reads no other")
    return commit


def read(repository: Repository, commit: str, folders: tuple[str, ...] = MANAGED) -> Files:
    """All files under `cluster/` and `stacks/` of a commit, by its full id."""
    argv = ("ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", full_id(commit), "--", *folders, ATTRIBUTES)
    failed = DeployerError(f"git cannot read the tree of {commit}", help="`git fsck` says what is missing")
    with closing(records(repository, argv, failed)) as lines:
        return gather(repository, commit, map(_listed, lines))


def gather(repository: Repository, commit: str, listing: Iterable[Listed]) -> Files:
    """The files of a listing, with their bytes by object id; `commit` is what they are called."""
    admitted, problems = admit(listing)
    entries = []
    for path, listed, data in _blobs(repository, admitted):
        problem = content_problem(path, data)
        if problem is None:
            entries.append(Entry(path, listed.mode, listed.id, data))
        else:
            problems.append(problem)
    entries, filtered = refuse_filtered(executable, entries)
    return Files(commit, tuple(entries), (*problems, *filtered))


def toplevel(path: Path) -> Path | None:
    """The top of the working tree that `path` is in; none where it is in none."""
    try:
        repository = find(path)
    except UsageError:
        return None
    done = _run(("rev-parse", "--show-toplevel"), _outside(), repository.path)
    return Path(os.fsdecode(done.stdout.removesuffix(b"\n"))) if done.returncode == 0 and done.stdout.strip() else None


def records(
    repository: Repository, arguments: tuple[str, ...], failed: DeployerError, index: str | None = None
) -> Generator[bytes]:
    """What git prints with `-z`, as it comes: where the listing is left early, git ends at the closed pipe.

    `failed` is raised where git does not succeed; `index` is the index that it reads instead of the repository's own.
    """
    environment = _inside(repository) | ({"GIT_INDEX_FILE": index} if index else {})
    with subprocess.Popen(
        (executable(), *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=repository.git_dir,  # a pathspec starts at the top then, wherever the caller stands
    ) as process:
        rest = b""
        while chunk := os.read(process.stdout.fileno(), 1 << 16) if process.stdout else b"":
            *lines, rest = (rest + chunk).split(b"\0")
            yield from lines
    if process.returncode != 0:
        raise failed


def _listed(line: bytes) -> Listed:
    about, _, path = line.partition(b"\t")
    mode, _, id_, size = about.split()
    return Listed(path, int(mode, 8), id_.decode(), int(size) if size.isdigit() else 0)


def _blobs(repository: Repository, admitted: list[tuple[str, Listed]]) -> Iterator[tuple[str, Listed, bytes]]:
    if not admitted:
        return
    from git import Git, GitCmdObjectDB  # noqa: PLC0415 - 60 ms that a trial from a directory need not pay
    from git.exc import GitError, ODBError  # noqa: PLC0415 - as above

    Git.GIT_PYTHON_GIT_EXECUTABLE = executable()
    git = Git(repository.git_dir)
    git.update_environment(**_inside(repository))
    database = GitCmdObjectDB(repository.objects, git)
    try:
        for path, listed in admitted:
            yield path, listed, database.stream(bytes.fromhex(listed.id)).read()
    except (GitError, ODBError, ValueError, OSError) as error:
        raise DeployerError(
            "git cannot read an object of the commit", help="`git fsck` says what is missing"
        ) from error
    finally:
        git.clear_cache()  # ends its `git cat-file --batch`


def executable() -> str:
    """Git's absolute path; DeployerError where there is none."""
    found = shutil.which("git")
    if found is None:
        raise DeployerError("git is not installed", help="install git")
    return str(Path(found).absolute())


def ask(
    repository: Repository, *arguments: str, stdin: bytes = b"", also: Mapping[str, str] = _NOTHING
) -> subprocess.CompletedProcess[bytes]:
    """Git on a repository that was found; nobody's configuration but its own counts. `also` is added to its environment."""
    return _run(arguments, {**_inside(repository), **also}, None, stdin)


def sizes(repository: Repository, ids: Iterable[str]) -> dict[str, int]:
    """The bytes of each object, by its full id; one that is not there has none."""
    asked = "".join(f"{id_}\n" for id_ in ids if _FULL_ID.fullmatch(id_)).encode()
    told = ask(repository, "cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked)
    lines = (line.split() for line in told.stdout.decode().splitlines())
    return {id_: int(size) for id_, size in lines if size.isdigit()}


def _run(
    arguments: tuple[str, ...], environment: dict[str, str], cwd: Path | None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    argv = (executable(), *arguments)
    try:
        return subprocess.run(
            argv, cwd=cwd, env=environment, input=stdin, capture_output=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DeployerError(f"git {arguments[0]} did not end within {_TIMEOUT:.0f} s") from error


def _environment() -> dict[str, str]:
    """What git is told: nothing of the caller's but the path, and in a pre-receive hook where the pushed objects are."""
    keep = _QUARANTINE if os.environ.get("GIT_QUARANTINE_PATH") else ()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_CONFIG_COUNT": str(len(_CONFIG)),
        **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(_CONFIG)},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(_CONFIG.values())},
        **{name: os.environ[name] for name in keep if name in os.environ},
    }


def _outside() -> dict[str, str]:
    """For finding a repository: the user's own configuration counts, since `safe.directory` stands there."""
    names = (
        "HOME",
        "XDG_CONFIG_HOME",
        "SUDO_UID",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CEILING_DIRECTORIES",
    )
    return _environment() | {name: os.environ[name] for name in names if name in os.environ}


def _inside(repository: Repository) -> dict[str, str]:
    """For a repository that was found: itself and nothing else."""
    return {
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_DIR": repository.git_dir,
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        **_environment(),
        "GIT_OBJECT_DIRECTORY": repository.objects,
    }


def first_commit(directory: Path, paths: tuple[str, ...], message: str) -> tuple[str, bool]:
    """Makes `directory` a repository and commits the files: the commit's id, and whether it has the user's own name.

    Here the user's configuration counts (default branch, name, signing), as if they had typed the commands.
    DeployerError where git refuses, with its own last words.
    """
    advice = "the files are written: put it right, then `git add -A && git commit`"
    branch = () if own(directory, "config", "init.defaultBranch", expect=False, advice=advice) else ("-b", "main")
    own(directory, "init", "--quiet", *branch, advice=advice)
    own(directory, "add", "--", *paths, advice=advice)
    named = bool(
        own(directory, "config", "user.email", expect=False, advice=advice) or os.environ.get("GIT_COMMITTER_EMAIL")
    )
    identity = () if named else ("-c", "user.name=deployer", "-c", "user.email=deployer@localhost")
    own(directory, *identity, "commit", "--quiet", "-m", message, advice=advice)
    return own(directory, "rev-parse", "HEAD", advice=advice), named


def own(directory: Path, *arguments: str, advice: str, expect: bool = True) -> str:
    """What git prints when the user runs it in `directory`; the caller's idea of where its repository is does not count."""
    environment = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    done = _run(arguments, environment | {"GIT_TERMINAL_PROMPT": "0"}, directory)
    if expect and done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise DeployerError(f"git refuses: {said[-1] if said else f'exit status {done.returncode}'}", help=advice)
    return done.stdout.decode(errors="replace").strip()
