"""What the tests of the compose stage share: stacks out of folders or text, and the tools, where they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.compose import tools
from deployer.errors import DeployerError
from deployer.model.stack import StackSettings, StackSource

if TYPE_CHECKING:
    from collections.abc import Callable


def stack_of(name: str, **files: str | bytes) -> StackSource:
    """A stack of these files; `compose` is its compose file, other names are paths."""
    given = {"compose.yaml" if path == "compose" else path: text for path, text in files.items()}
    held = tuple(sorted((path, text.encode() if isinstance(text, str) else text) for path, text in given.items()))
    return StackSource(name, f"stacks/{name}/compose.yaml", f"stacks/{name}", "compose.yaml", held, StackSettings(), "")


@pytest.fixture
def stack() -> Callable[..., StackSource]:
    return stack_of


@pytest.fixture(scope="session")
def examples() -> tuple[StackSource, ...]:
    """The stacks under tests/compose/stacks, sorted by name."""
    folders = sorted((Path(__file__).parent / "stacks").iterdir())
    return tuple(
        stack_of(
            folder.name,
            **{file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()},
        )
        for folder in folders
    )


@pytest.fixture(scope="session")
def found() -> tools.Tools:
    """The docker CLI and its compose plugin; skips where one is missing."""
    try:
        return tools.find()
    except DeployerError as error:
        pytest.skip(error.message)
