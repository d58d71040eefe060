"""How much Docker would have to read for a stack: `include` and `extends` repeat what they name, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.compose.reading import Reading
    from deployer.compose.rules import Path
    from deployer.model.problem import Problem

    _Service = tuple[Reading, str]

MOST_VALUES: Final = 200_000
"""For one stack; compose takes 3 s of processor time for so many. 200 services that extend one of 100 values are 40,000."""

MOST_KEYS: Final = 5_000
"""Of one mapping that Docker's tools are handed: they compare each with every other one."""


def amount_problems(first: Reading) -> list[Problem]:
    """Files that include themselves, services that extend themselves, and more values than a stack of ours needs."""
    amount = _Amount()
    total = amount.of_file(first, ())
    if not amount.problems and total > MOST_VALUES:
        message = f"Docker would read {min(total, 10**9)} values for this stack: more than {MOST_VALUES}"
        help_ = "include and extend less often, or split the stack"
        amount.problems.append(first.document.problem((), message, help_))
    return list(dict.fromkeys(amount.problems))


def largest(value: Any, at: Path = ()) -> tuple[int, Path]:
    """How many keys the mapping with the most has, and where it is."""
    most: tuple[int, Path] = (len(value), at) if isinstance(value, dict) else (0, at)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        if isinstance(one, dict | list):
            below = largest(one, (*at, key))
            most = below if below[0] > most[0] else most
    return most


def used_services(first: Reading) -> Iterator[tuple[Reading, str]]:
    """Every service that compose reads, with those that are extended: of a file that is only extended it reads no other."""
    seen: set[_Service] = set()
    for reading in included(first):
        for name in reading.services:
            pair: _Service | None = (reading, name)
            while pair is not None and pair not in seen:
                seen.add(pair)
                yield pair
                pair = pair[0].extends.get(pair[1])


def included(first: Reading) -> list[Reading]:
    """The compose file and all that it includes, each once."""
    found = [first]
    for reading in found:
        found += [one for one in dict.fromkeys(each for _, each in reading.includes) if one not in found]
    return found


class _Amount:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._files: dict[Reading, int] = {}
        self._pulled: dict[_Service, int] = {}
        self._merged: dict[_Service, int] = {}

    def of_file(self, reading: Reading, above: tuple[Reading, ...]) -> int:
        """What reading the file costs, with everything that it includes and extends. At most 50 calls deep."""
        if reading in self._files:
            return self._files[reading]
        above = (*above, reading)
        total = reading.size
        for at, child in reading.includes:
            if child in above or any(child.path == one.path for one in above):
                self.problems.append(reading.document.problem(at, f"{child.path} includes itself", "remove this line"))
                continue
            total += self.of_file(child, above)
        for name in reading.extends:
            total += self._extended(reading, name)
        self._files[reading] = total
        return total

    def _extended(self, reading: Reading, name: str) -> int:
        """What a service of a file that is read as a whole brings in by `extends`."""
        other, base = reading.extends[name]
        self._follow((reading, name))
        return self._merged.get((other, base), 0) + (
            other.size + self._pulled.get((other, base), 0) if other is not reading else 0
        )

    def _follow(self, service: _Service) -> None:
        """Fills in what the services of one chain of `extends` cost, from its end to its beginning."""
        chain: list[_Service] = []
        on: set[_Service] = set()
        at: _Service | None = service
        while at is not None and at not in self._merged:
            if at in on:
                self._circle(chain[chain.index(at) :])
                break
            chain.append(at)
            on.add(at)
            at = at[0].extends.get(at[1])
        for reading, name in reversed(chain):
            base = reading.extends.get(name)
            below = self._merged.get(base, 0) if base is not None else 0
            self._merged[reading, name] = reading.weigh(name) + below
            again = base[0].size if base is not None and base[0] is not reading else 0
            self._pulled[reading, name] = below + again + (self._pulled.get(base, 0) if base is not None else 0)

    def _circle(self, circle: list[_Service]) -> None:
        reading, name = min(circle, key=lambda one: (one[0].path, one[1]))
        names = [f"{one[1]} of {one[0].path}" if one[0] is not reading else one[1] for one in circle]
        message = f"services that extend each other: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
        self.problems.append(reading.document.problem(("services", name, "extends"), message, "remove one of them"))
