"""The registrator: its image where it is missing, then its container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.model.subject import OfMachine
from deployer.plan.machines import RunContainer
from deployer.startup import defer_imports

with defer_imports():
    from deployer.diff import machines as diff_machines
    from deployer.diff import registrator as diff_registrator

if TYPE_CHECKING:
    from deployer.diff.change import Diff
    from deployer.plan.draft import Draft
    from deployer.plan.steps import Mark


@dataclass(frozen=True)
class BuildImage(OfMachine):
    """Build our own image of the registrator from what is installed here, under a name that says its content."""

    node: str
    image: str
    base: str


@dataclass(frozen=True)
class RemoveImage(OfMachine):
    node: str
    image: str


RegistratorOperation = BuildImage | RemoveImage


def mark(operation: RegistratorOperation) -> Mark:
    match operation:
        case BuildImage():
            return "+"
        case RemoveImage():
            return "-"


def describe(operation: RegistratorOperation) -> tuple[str, str]:
    match operation:
        case BuildImage(image=image, base=base):
            words = f"build {image} on {base}"
        case RemoveImage(image=image):
            words = f"remove image {image}"
    return operation.node, words


def registrator_steps(draft: Draft, diff: Diff) -> None:
    """Add the steps for the registrator after those for Consul, even if these fail: the program waits for its agent by itself."""
    before = tuple(number for (kind, _), number in draft.made.items() if kind in {"consul", "container"})
    for change in diff.changes:
        if isinstance(change, diff_registrator.ImageMissing):
            draft.add(
                BuildImage(change.node, change.image, change.base),
                change.cause,
                makes=("image", change.node),
                needs=[("engine", change.node)],
            )
    for change in diff.changes:
        if isinstance(change, diff_machines.ContainerDiffers) and change.role == "registrator":
            draft.add(
                RunContainer(change.node, change.name, change.image, change.body, change.files, change.leaves),
                change.cause,
                needs=[("engine", change.node), ("image", change.node)],
                follows=before,
            )
