"""Images of stacks' own files: built on one machine, and brought to where they run."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployer.model.build import BuildFile
from deployer.startup import defer_imports

with defer_imports():
    from deployer.diff import images as diff_images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.diff.change import Diff
    from deployer.model.build import Build
    from deployer.model.stack import StackSource
    from deployer.plan.draft import Draft
    from deployer.plan.steps import Mark


@dataclass(frozen=True)
class BuildStackImage:
    """Build an image from a stack's own files on one machine."""

    stack: str
    node: str
    build: Build
    files: tuple[BuildFile, ...] = field(repr=False)
    dockerfile: bytes = field(repr=False)


@dataclass(frozen=True)
class PushImage:
    """Push an image from the machine that has it to the registry that its name says."""

    stack: str
    node: str
    image: str


@dataclass(frozen=True)
class SendImage:
    """Bring an image from one machine's engine to another's."""

    stack: str
    source: str
    node: str
    image: str


ImageOperation = BuildStackImage | PushImage | SendImage


def mark(operation: ImageOperation) -> Mark:
    match operation:
        case BuildStackImage() | PushImage() | SendImage():
            return "+"


def describe(operation: ImageOperation) -> tuple[str, str]:
    match operation:
        case BuildStackImage(node=node, build=build):
            words = f"build {build.image} on {node}"
        case PushImage(node=node, image=image):
            words = f"push {image} from {node}"
        case SendImage(source=source, node=node, image=image):
            words = f"send {image} from {source} to {node}"
    return operation.stack, words


Key = tuple[str, str]


def build_steps(draft: Draft, source: StackSource, diff: Diff, machines: tuple[int, ...]) -> dict[str, list[Key]]:
    """Add the steps that build images, and push them or send them to other machines.

    Returns the keys that each service needs, by full name.
    """
    needed: dict[str, list[Key]] = {}
    for change in diff.changes:
        if not isinstance(change, diff_images.ImageUnbuilt) or change.stack != source.name:
            continue
        build, at = change.build, change.at
        made: Key = ("image", build.image)
        keys = needed.setdefault(build.service, [made])
        if not change.built:
            operation = BuildStackImage(
                source.name, at, build, tuple(_files(build, source)), _dockerfile(build, source)
            )
            draft.add(operation, change.cause, makes=made, needs=[("engine", at)], follows=machines)
        if build.pushed:
            push = PushImage(source.name, at, build.image)
            draft.add(push, change.cause, makes=made, needs=[made], follows=machines)
        for node in change.lacking:
            sent: Key = ("image", f"{build.image} on {node}")
            send = SendImage(source.name, at, node, build.image)
            draft.add(
                send, change.cause, makes=sent, needs=[made, ("engine", node), ("member", node)], follows=machines
            )
            keys.append(sent)
    return needed


def _files(build: Build, source: StackSource) -> Iterator[BuildFile]:
    held = dict(source.files)
    for path in build.files:
        yield BuildFile(posixpath.relpath(path, build.context), held[path], path in source.executable)


def _dockerfile(build: Build, source: StackSource) -> bytes:
    return dict(source.files)[build.dockerfile] if build.dockerfile else build.inline.encode()
