"""Steps for the registrator: its image where it is missing, then its container. Changes in, steps onto the draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.change import ContainerDiffers, Diff, ImageMissing
from deployer.plan.operations import BuildImage, RunContainer

if TYPE_CHECKING:
    from deployer.plan.draft import Draft


def registrator_steps(draft: Draft, diff: Diff) -> None:
    """After Consul, whatever became of it: the program waits for its agent by itself. Nothing waits for these to succeed."""
    before = tuple(number for (kind, _), number in draft.made.items() if kind in {"consul", "container"})
    for change in diff.changes:
        if isinstance(change, ImageMissing):
            draft.add(
                BuildImage(change.node, change.image, change.base),
                change.cause,
                makes=("image", change.node),
                needs=[("engine", change.node)],
            )
    for change in diff.changes:
        if isinstance(change, ContainerDiffers) and change.role == "registrator":
            draft.add(
                RunContainer(change.node, change.name, change.image, change.body, change.files, change.leaves),
                change.cause,
                needs=[("engine", change.node), ("image", change.node)],
                follows=before,
            )
