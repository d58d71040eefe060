"""Lay out a new repository: one machine, one stack, and comments that teach. Nothing is ever overwritten."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path
from typing import Final

from deployer.errors import DeployerError, UsageError
from deployer.model.patterns import NAME_PATTERN
from deployer.source import git, schemas
from deployer.source.layout import CLUSTER_FILES, COMPOSE_FILES

SCHEMAS: Final = ".deployer/schemas"
MESSAGE: Final = "A cluster of one machine, and a first stack"
_KEPT: Final = ".gitignore"  # where a directory has its own, that is as good


@dataclass(frozen=True)
class Scaffold:
    """What was written: paths relative to `top`, and the first commit where one was made."""

    top: Path
    written: tuple[str, ...]
    commit: str | None
    signed: bool
    """Whether the commit has the user's own name; else deployer's, since git knew none."""


def lay_out(directory: Path) -> Scaffold:
    """Writes the files, and makes a repository and its first commit where `directory` is in none.

    UsageError where a file is in the way (all are named, nothing is written), or the directory is inside a repository
    but not its top. DeployerError where the commit fails: the files are there then.
    """
    top = Path(os.path.abspath(directory))  # noqa: PTH100 - not through links, as `resolve` would
    known = git.toplevel(_nearest(top))
    if known is not None and known != top.resolve():
        advice = f"`deployer init {known}`, or `git init {directory}` first if it is to be one of its own"
        raise UsageError(f"{directory} is inside the repository {known}, which is read from its top", help=advice)
    content = contents(_name(top.name, "cluster"), _name(socket.gethostname().partition(".")[0], "this-machine"))
    content = {path: text for path, text in content.items() if path != _KEPT or not (top / path).exists()}
    in_the_way = [*_in_the_way(top, content)]
    if in_the_way:
        advice = "nothing was written; move them away, or choose another directory"
        raise UsageError(f"{directory} already has {', '.join(in_the_way)}", help=advice)
    _write(top, content)
    written = tuple(sorted(content))
    if known is not None:
        return Scaffold(top, written, None, signed=True)
    commit, signed = git.first_commit(top, written, MESSAGE)
    return Scaffold(top, written, commit, signed)


def next_steps(made: Scaffold) -> str:
    """What a person reads after it: what happened beyond the files, and what to do next."""
    if made.commit is None:
        happened = "The repository was there already, so nothing is committed: git add -A && git commit"
    else:
        happened = f"A git repository was made, with a first commit: {made.commit[:10]}"
    if not made.signed:
        happened += (
            "\nThat commit is in deployer's name, since git knows none of yours. When it does (git config user.name and"
            "\nuser.email): git commit --amend --reset-author --no-edit"
        )
    return f"{happened}\nNext, in {made.top}:\n  deployer validate\n  deployer plan\n  deployer apply"


def contents(cluster: str, machine: str) -> dict[str, str]:
    """The files of a new repository, by path."""
    return {
        ".gitignore": _template("gitignore"),
        CLUSTER_FILES[0]: _template("cluster.yaml").replace("@CLUSTER@", cluster),
        f"cluster/nodes/{machine}.yaml": _template("node.yaml"),
        f"stacks/hello/{COMPOSE_FILES[0]}": _template("compose.yaml"),
        **{f"{SCHEMAS}/{kind}.json": schemas.text(schemas.schema(kind)) for kind in schemas.KINDS},
    }


def _template(name: str) -> str:
    return resources("deployer.source").joinpath("templates", name).read_text()


def _name(text: str, otherwise: str) -> str:
    """What a valid name is left of a directory's or host's."""
    name = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-")
    return name if re.search(NAME_PATTERN, name) else otherwise


def _nearest(path: Path) -> Path:
    """The directory itself, or the first above it that exists."""
    return next(one for one in (path, *path.parents) if one.is_dir())


def _in_the_way(top: Path, content: dict[str, str]) -> list[str]:
    """Everything that stands where a file or folder has to come, or would be a second one of its kind."""
    folder = f"stacks/hello/{COMPOSE_FILES[0]}".rpartition("/")[0]
    taken = {
        *content,
        *CLUSTER_FILES,
        *(f"{folder}/{name}" for name in COMPOSE_FILES),
        f"{folder}.yaml",
        f"{folder}.yml",
    }
    found = {path for path in taken if os.path.lexists(top / path)}
    for path in content:
        for parent in Path(path).parents:
            where = top / parent
            if os.path.lexists(where) and (where.is_symlink() or not where.is_dir()) and where != top:
                found.add(str(parent))
    return sorted(found)


def _write(top: Path, content: dict[str, str]) -> None:
    try:
        for path, text in content.items():
            where = top / path
            where.parent.mkdir(parents=True, exist_ok=True)
            with where.open("x") as file:
                file.write(text)
    except OSError as error:
        raise DeployerError(
            f"{error.filename} cannot be written: {error.strerror}", help="check its owner and mode"
        ) from error
