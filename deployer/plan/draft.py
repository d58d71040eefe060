"""A plan while it is made: the steps so far, and what each of them makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployer.plan.steps import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.diff.cause import Cause
    from deployer.diff.effect import Effect
    from deployer.model.field import Field
    from deployer.plan.operations import Operation


@dataclass
class Draft:
    """Steps so far, and by what a later step may need: ("engine", node), ("network", name), ("stack", name), ..."""

    steps: list[Step] = field(default_factory=list)
    made: dict[tuple[str, str], int] = field(default_factory=dict)
    more_managers: list[int] = field(default_factory=list)
    """Joins and promotions of managers."""
    stacks: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """By stack, the steps that must have succeeded before it counts as deployed."""

    def add(  # noqa: PLR0913 - what a step is made of
        self,
        operation: Operation,
        cause: Cause | None,
        fields: tuple[Field, ...] = (),
        *,
        makes: tuple[str, str] | None = None,
        needs: Sequence[tuple[str, str]] = (),
        needed: Sequence[int] = (),
        follows: Sequence[int] = (),
        effect: Effect | None = None,
        any_of: Sequence[int] = (),
        rescues: Sequence[int] = (),
    ) -> int:
        """Append a step that needs what `needs` names, as far as this plan makes it, and the steps `needed`."""
        number = len(self.steps) + 1
        before = {*self.numbers(*needs), *needed}
        after = {*follows, *any_of, *rescues} - before
        step = Step(
            number,
            operation,
            cause,
            fields,
            tuple(sorted(before)),
            tuple(sorted(after)),
            effect,
            tuple(sorted(any_of)),
            tuple(sorted(rescues)),
        )
        self.steps.append(step)
        if makes:
            self.made[makes] = number
        return number

    def numbers(self, *keys: tuple[str, str]) -> tuple[int, ...]:
        return tuple(self.made[key] for key in keys if key in self.made)
