"""Steps that build a stack's own images and bring them to where they run. Changes in, steps onto the draft."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from deployer.diff.change import Diff, ImageUnbuilt
from deployer.model.build import BuildFile
from deployer.plan.operations import BuildStackImage, PushImage, SendImage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.model.build import Build
    from deployer.model.stack import StackSource
    from deployer.plan.draft import Draft

Key = tuple[str, str]


def build_steps(draft: Draft, source: StackSource, diff: Diff, machines: tuple[int, ...]) -> dict[str, list[Key]]:
    """Build it on one machine, then push it, or send it to the others. What each service needs of it, by full name."""
    needed: dict[str, list[Key]] = {}
    for change in diff.changes:
        if not isinstance(change, ImageUnbuilt) or change.stack != source.name:
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
