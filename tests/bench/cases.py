"""A case: two sides that do the same work, and what has to stand before they can. Cases are functions with `@case(...)`."""

from __future__ import annotations

import fnmatch
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.bench.figures import Sample

T = TypeVar("T")


class MissingError(Exception):
    """What a case needs is not here; the message is the reason."""


class Sides(NamedTuple):
    """Each call is one run, and returns what it measured."""

    ours: Callable[[], Sample]
    peer: Callable[[], Sample]


class Resource(Generic[T]):
    """Something that several cases stand on and that is made once, such as a cluster; `on` is what it stands on itself."""

    def __init__(
        self, name: str, make: Callable[[Place], AbstractContextManager[T]], on: tuple[Resource[Any], ...] = ()
    ) -> None:
        self.name = name
        self.make = make
        self.on = on

    def all(self) -> Iterator[Resource[Any]]:
        """What it stands on, all the way down, and itself."""
        for below in self.on:
            yield from below.all()
        yield self


class Place:
    """Where cases run: a folder that is removed at the end, and the resources that stand at this moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0
        self._standing: dict[Resource[Any], tuple[Any, ExitStack]] = {}
        self._lacking: dict[Resource[Any], str] = {}

    def get(self, resource: Resource[T]) -> T:
        """The resource, made by its first user. Raises MissingError, for every further user too, where it cannot be made."""
        if resource in self._lacking:
            raise MissingError(self._lacking[resource])
        if resource not in self._standing:
            with ExitStack() as stack:
                try:
                    made = stack.enter_context(resource.make(self))
                except MissingError as error:
                    self._lacking[resource] = str(error)
                    raise
                except Exception as error:
                    self._lacking[resource] = f"{resource.name} could not be made: {error}"
                    raise
                self._standing[resource] = (made, stack.pop_all())
        found: T = self._standing[resource][0]
        return found

    def close_all_but(self, needed: Iterable[Resource[Any]]) -> list[str]:
        """Take down, last made first, what nobody needs any more: what stands costs the other cases time.

        Returns what could not be taken down, and why.
        """
        kept, problems = {below for one in needed for below in one.all()}, []
        for resource in reversed([*self._standing]):
            if resource not in kept:
                _, stack = self._standing.pop(resource)
                try:
                    stack.close()
                except Exception as error:  # noqa: BLE001 - whatever it is, the others have to go as well
                    problems.append(f"{resource.name} could not be taken down: {error}")
        return problems

    def new_folder(self, name: str) -> Path:
        self._made += 1
        folder = self.folder / f"{self._made}-{name}"
        folder.mkdir()
        return folder


@dataclass(frozen=True)
class Case:
    name: str
    peer: str
    """What the other side is."""
    claim: str
    """What the documents or a closing note say; "" where they say nothing."""
    needs: tuple[Resource[Any], ...]
    rounds: int
    warm_up: bool
    """Whether both sides run once before the first round that counts."""
    open: Callable[[Place], AbstractContextManager[Sides]]


CASES: Final[list[Case]] = []


def case(
    name: str,
    *,
    peer: str,
    claim: str = "",
    needs: tuple[Resource[Any], ...] = (),
    rounds: int = 5,
    warm_up: bool = True,
) -> Callable[[Callable[[Place], Iterator[Sides]]], Callable[[Place], Iterator[Sides]]]:
    """Add a case. The function sets up, yields both sides, and takes down what it made."""

    def add(make: Callable[[Place], Iterator[Sides]]) -> Callable[[Place], Iterator[Sides]]:
        CASES.append(Case(name, peer, claim, needs, rounds, warm_up, contextmanager(make)))
        return make

    return add


def chosen(cases: Iterable[Case], patterns: Sequence[str]) -> list[Case]:
    """The cases whose name or whose peer's name has one of the patterns in it, `*` and `?` included; all where there are none."""
    wanted = [f"*{one.casefold()}*" for one in patterns or ("",)]
    named = [(one, f"{one.name}\n{one.peer}".casefold()) for one in cases]
    return [one for one, name in named if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)]
