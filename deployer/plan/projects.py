"""Steps of stacks in compose mode. Changes in, steps onto the draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.change import Cause, Diff, ProjectDiffers, ProjectSurplus
from deployer.plan.operations import ComposeDown, ComposeUp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.stack import StackSource
    from deployer.plan.draft import Draft


def project_steps(
    draft: Draft, source: StackSource, after: Sequence[str], diff: Diff, machines: tuple[int, ...]
) -> None:
    """One step: compose itself brings its services up in their order. It comes when the stacks `after` are healthy."""
    before = [number for name in after for number in draft.stacks.get(name, ())]
    for change in diff.changes:
        if isinstance(change, ProjectDiffers) and change.stack == source.name:
            first = change.cause is Cause.NOT_FOUND
            operation = ComposeUp(source.name, change.machine, change.project, source.settings.wait_seconds, first)
            number = draft.add(
                operation,
                change.cause,
                change.fields,
                makes=("project", source.name),
                needs=[("engine", change.machine)],
                needed=before,
                follows=machines,
            )
            draft.stacks[source.name] = (number,)


def remove_projects(draft: Draft, diff: Diff, cluster: str) -> None:
    """After everything else; from a machine that a project leaves only once it runs on its new one."""
    everything = tuple(step.number for step in draft.steps)
    for change in diff.changes:
        if isinstance(change, ProjectSurplus):
            needed = list(draft.numbers(("project", change.stack)))
            operation = ComposeDown(change.stack, change.machine, cluster)
            draft.add(operation, change.cause, needed=everything if change.whole else needed, follows=everything)
