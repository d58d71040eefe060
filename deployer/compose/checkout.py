"""A stack's files for the time in which Docker's tools read them: a private folder, secrets left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.remote.folder import write_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.model.stack import StackSource


def materialise(folder: Path, stack: StackSource, hidden: Callable[[str, bytes], bool]) -> None:
    """The stack's files below `folder`, which is made; those that are `hidden` are empty."""
    folder.mkdir(mode=0o700)
    for path, data in stack.files:
        target = folder / path
        if ".." in target.parts or not target.is_relative_to(folder):
            raise ValueError(f"the stack {stack.name} has a file outside its folder: {path!r}")
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(target, b"" if hidden(path, data) else data)
