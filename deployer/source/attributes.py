"""Refuse files that git keeps in another form than it shows them in: those for which a `.gitattributes` names a filter.

What a commit holds is not the file then but what the filter made of it (cipher text, a pointer), and would be deployed as
it is. Git itself says which files those are, since its patterns are its own business; where no `.gitattributes` speaks of
filters, it is not asked.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.cage.rules import Limits, Rules
from deployer.document import shortened
from deployer.model.problem import Problem
from deployer.source.files import ATTRIBUTES, Entry
from deployer.startup import defer_imports

with defer_imports():  # few repositories have filters
    from deployer.cage import children

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_HARMLESS: Final = {b"unspecified", b"unset", b"set", b"lfs"}
"""`set` names no filter. The pointers of `lfs` are known by what is in them (files.py)."""
_LIMITS: Final = Limits(seconds=20, cpu=20)
_EMPTY: Final = {"git/HEAD": b"ref: refs/heads/none\n"}
"""A repository without anything, so that nobody's own settings count."""


def refuse_filtered(find_git: Callable[[], str], entries: Sequence[Entry]) -> tuple[list[Entry], list[Problem]]:
    """The entries without the `.gitattributes` of the top, and a problem for each that has a filter.

    `find_git` gives the path of the program; it is asked where there are filters.
    """
    attributes = {one.path: one.data for one in entries if one.path.rpartition("/")[2] == ATTRIBUTES}
    kept = [one for one in entries if one.path != ATTRIBUTES]
    speaking = [path for path, data in attributes.items() if b"filter" in data]
    if not speaking or not kept:
        return kept, []
    filters = _ask(find_git(), attributes, [one.path for one in kept])
    if filters is None:
        return kept, [Problem(speaking[0], 0, 0, "cannot be read by git", "`git check-attr filter FILE` says more")]
    problems = [
        Problem(
            path,
            0,
            0,
            f"goes through git's filter {shortened(name)}: in a commit it is not the file itself",
            f"keep this file in git proper: `-filter` for it in {ATTRIBUTES}; secrets: encrypt them with SOPS or age",
        )
        for path, name in filters.items()
    ]
    return kept, problems


def _ask(git: str, attributes: Mapping[str, bytes], paths: Sequence[str]) -> dict[str, str] | None:
    """The filter of each path that has one; None where git does not say. It reads files of others: in a cage."""
    with tempfile.TemporaryDirectory(prefix="deployer-") as name:
        top = Path(name)
        for folder in ("git/objects", "git/refs", "tree"):
            (top / folder).mkdir(parents=True)
        for path, data in {**_EMPTY, **{f"tree/{path}": data for path, data in attributes.items()}}.items():
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_bytes(data)
        environment = {
            "GIT_DIR": f"{top}/git",
            "GIT_WORK_TREE": f"{top}/tree",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
        }
        done = children.run_caged(
            (git, "check-attr", "-z", "--stdin", "filter"),
            rules=Rules(read=(top,), limits=_LIMITS),
            environment=environment,
            stdin=b"".join(path.encode() + b"\0" for path in paths),
            folder=top / "tree",
        )
    if done.code != 0 or done.beyond:
        return None
    words = done.out.split(b"\0")
    found = zip(words[::3], words[2::3], strict=False)
    return {path.decode(): name.decode(errors="replace") for path, name in found if name not in _HARMLESS}
