"""Put stand-ins where a stack has encrypted files: it compiles without any key, and no tool sees what is encrypted.

An env file becomes one whose encrypted values are tokens; they go through Docker's tools like any other value. Contents
of configs and secrets get names by their ciphertext. `opening` puts the plain values in, once a key is there.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from deployer.cage.doing import doing
from deployer.compose.side_by_side import run_side_by_side
from deployer.compose.variables import EnvFileError, read_literal
from deployer.encrypted import CannotOpenError, kind_of
from deployer.model.problem import Problem
from deployer.model.stack import SealedValue
from deployer.startup import defer_imports

with defer_imports():  # only where something is encrypted
    from deployer.encrypted import check, opener

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.encrypted import Kind
    from deployer.model.stack import StackSource

TOKEN: Final = re.compile(r"deployer-sealed-[0-9a-f]{24}")
_Names = dict[str, tuple[str, ...]]
OPAQUE: Final[frozenset[Kind]] = frozenset({"age", "sops-binary"})
"""Kinds that hide the names of variables, too."""
UNREAD: Final = "ENCRYPTED_FILE"
"""In the place of the variables of an env file that cannot be read: a service that has it is not deployed before the file is opened."""


@dataclass(frozen=True)
class Sealing:
    """`shown` is the stack as Docker's tools may see it, `files` the kinds of its encrypted files by path."""

    shown: StackSource
    files: Mapping[str, Kind]
    values: tuple[SealedValue, ...]
    problems: tuple[Problem, ...]


def seal(stack: StackSource, names: Mapping[str, tuple[str, ...]]) -> Sealing:
    """The stack with stand-ins. `names` are the variables of opaque env files, as far as they could be opened."""
    kinds = encrypted_files(stack)
    if not kinds:
        return Sealing(stack, {}, (), ())
    files: list[tuple[str, bytes]] = []
    values: list[SealedValue] = []
    problems: list[Problem] = []
    for path, data in stack.files:
        kind = kinds.get(path)
        shown = data
        if kind is not None:
            damage = check.problem_of(kind, data)
            if damage is not None:
                problems.append(problem(stack, path, damage))
            elif kind == "sops-dotenv":
                shown = _stand_in(stack, path, check.outline(data), values)
            elif kind in OPAQUE:
                shown = _stand_in(stack, path, [(name, None) for name in names.get(path, (UNREAD,))], values)
        files.append((path, shown))
    return Sealing(replace(stack, files=tuple(files)), kinds, tuple(values), tuple(problems))


def encrypted_files(stack: StackSource) -> dict[str, Kind]:
    return {path: kind for path, data in stack.files if (kind := kind_of(path, data)) is not None}


def variable_names(stacks: Sequence[StackSource]) -> dict[str, _Names]:
    """By stack: the names of the variables in those files that hide them, where there is a key and they are env files at all."""
    names: dict[str, _Names] = {stack.name: {} for stack in stacks}
    hidden = [
        (stack, path, kind, data)
        for stack in stacks
        for path, data in stack.files
        if (kind := kind_of(path, data)) in OPAQUE
    ]
    if not hidden:
        return names
    keys = opener.Opener()

    def read_names(at: tuple[StackSource, str, Kind, bytes]) -> None:
        stack, path, kind, data = at
        with doing(stack.path), suppress(CannotOpenError, EnvFileError, UnicodeDecodeError):
            names[stack.name][path] = tuple(read_literal(keys.open(kind, data, stack.allowed).decode()))

    run_side_by_side(read_names, hidden)
    return names


def problem(stack: StackSource, path: str, error: CannotOpenError) -> Problem:
    return Problem(f"{stack.root}/{path}", error.line, error.column, error.message, error.help)


def _stand_in(
    stack: StackSource, path: str, variables: list[tuple[str, str | None]], values: list[SealedValue]
) -> bytes:
    lines = []
    for name, clear in variables:
        shown = clear
        if shown is None:
            digest = hashlib.sha256(f"{stack.name}\0{path}\0{name}".encode()).hexdigest()
            name = f"{UNREAD}_{digest[:8].upper()}" if name == UNREAD else name  # noqa: PLW2901 - each file has its own
            shown = f"deployer-sealed-{digest[:24]}"
            values.append(SealedValue(shown, path, name))
        lines.append(f"{name}={shown}\n")
    return "".join(lines).encode()
