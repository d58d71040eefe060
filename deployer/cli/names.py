"""Names for the shell to complete: of the files in the working tree, as nothing else is as near at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import typer

from deployer.cli.work_tree import find_work_tree

_SUFFIXES: Final = (".yaml", ".yml")


def stacks(ctx: typer.Context, incomplete: str) -> list[str]:
    """The stacks that begin so: folders and YAML files of `stacks/`."""
    return _names(ctx, "stacks", incomplete, folders=True)


def machines(ctx: typer.Context, incomplete: str) -> list[str]:
    """The machines that begin so: YAML files of `cluster/nodes/`."""
    return _names(ctx, "cluster/nodes", incomplete, folders=False)


def _names(ctx: typer.Context, folder: str, incomplete: str, *, folders: bool) -> list[str]:
    """None where there is no such folder: a completion is silent."""
    given = ctx.params.get("repo")
    try:
        with os.scandir((Path(given) if given else find_work_tree(Path.cwd())) / folder) as entries:
            found = {
                entry.name if entry.is_dir() else os.path.splitext(entry.name)[0]  # noqa: PTH122 - as quick as it gets
                for entry in entries
                if (folders and entry.is_dir()) or entry.name.endswith(_SUFFIXES)
            }
    except OSError:
        return []
    return sorted(name for name in found if name.startswith(incomplete) and not name.startswith("."))
