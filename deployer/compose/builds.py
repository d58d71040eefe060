"""Name the images of the `build` sections of a normalised compose file by their content. Pure."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.binds import without_development
from deployer.compose.rules import Note
from deployer.model.build import LOCAL, Build
from deployer.model.reference import split
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.compose.rules import Path
    from deployer.model.stack import StackSource

with defer_imports():
    from deployer.compose import ignore_file

IGNORE_FILE: Final = ".dockerignore"
MOST_IGNORED: Final = 500
"""Patterns: each is tried with each file."""
_GIT: Final = re.compile(r"\.git(?:/|$)", re.IGNORECASE)
_DIGITS: Final = 12
_USED: Final = frozenset({"context", "dockerfile", "dockerfile_inline", "args", "target", "labels", "platforms"})
_HARMLESS: Final = frozenset({"cache_from", "cache_to", "no_cache", "pull", "tags", "provenance", "sbom"})
"""Without them the same image comes out."""
_NAMES_A_REGISTRY: Final = re.compile(r"[^/]*[.:][^/]*/|localhost/")


def with_images(config: Mapping[str, Any], stack: StackSource) -> tuple[dict[str, Any], tuple[Build, ...], list[Note]]:
    """The file with an image in the place of every `build`, the builds, and what is wrong with them."""
    builds: list[Build] = []
    notes: list[Note] = []
    services = {}
    for name, service in sorted((config.get("services") or {}).items()):
        given = dict(service)
        section = given.pop("build", None)
        if section:
            build, found = _build(section, str(given.get("image") or ""), stack, name)
            notes += found
            if build is not None and given.get("volumes"):
                at: Path = ("services", name, "volumes")
                given["volumes"], found = without_development(given["volumes"], build.context, dict(stack.files), at)
                notes += found
            if build is not None:
                builds.append(build)
            given["image"] = build.image if build else "invalid"
        services[name] = given
    return {**config, "services": services}, tuple(builds), notes


def _build(section: Mapping[str, Any], image: str, stack: StackSource, name: str) -> tuple[Build | None, list[Note]]:
    at: Path = ("services", name, "build")
    notes = [_left_out(key, (*at, key)) for key in sorted(section.keys() - _USED) if section[key]]
    context = posixpath.normpath(str(section.get("context") or "."))
    inline = str(section.get("dockerfile_inline") or "")
    dockerfile = (
        "" if inline else posixpath.normpath(posixpath.join(context, str(section.get("dockerfile") or "Dockerfile")))
    )
    held = dict(stack.files)
    if dockerfile and dockerfile not in held:
        help_ = f"write {stack.root}/{dockerfile}, or name another one: dockerfile: ..."
        notes.append(
            Note((*at, "dockerfile"), f"there is no file {dockerfile!r} in {stack.root}", help_, "error", key=False)
        )
    notes += _context_notes(context, held, (*at, "context"))
    platforms = section.get("platforms") or ()
    if len(platforms) > 1:
        message = "an image is built for one platform: that of the machines"
        notes.append(Note((*at, "platforms"), message, "name one, or build it elsewhere and write image:", "error"))
    if "@" in image:
        message = "an image with a digest is not built"
        notes.append(Note(("services", name, "image"), message, "leave out the digest, or the build", "error"))
    if any(note.severity == "error" for note in notes):
        return None, notes
    args = {key: "" if value is None else str(value) for key, value in (section.get("args") or {}).items()}
    labels = {key: str(value or "") for key, value in (section.get("labels") or {}).items()}
    build = Build(
        image="",
        stack=stack.name,
        service=f"{stack.name}_{name}",
        context=context,
        files=_context(context, held, stack.entry),
        dockerfile=dockerfile,
        inline=inline,
        args=tuple(sorted(args.items())),
        target=str(section.get("target") or ""),
        labels=tuple(sorted(labels.items())),
        platform=str(platforms[0]) if platforms else "",
    )
    return _named(build, image, name, held, stack.executable), notes


def _left_out(key: str, at: Path) -> Note:
    if key in _HARMLESS:
        return Note(at, f"{key!r} is ignored: the image's name says its content", "remove the line")
    return Note(at, f"{key!r} cannot be had in a build here", "build the image elsewhere, and write image:", "error")


def _context_notes(context: str, files: Mapping[str, bytes], at: Path) -> Iterator[Note]:
    """What a context must not have, as Docker's client would do more with it than send it."""
    below = _below(context)
    if f"{below}HEAD" in files or any(path.startswith(below) and _GIT.match(path, len(below)) for path in files):
        # buildx runs git there (build/git.go), and git obeys the configuration that it finds beside HEAD: that is any program.
        message = f"{below or './'} looks like a git repository, in which docker's client would run git"
        yield Note(at, message, "name HEAD and .git otherwise, or leave them out of the folder", "error", key=False)
    if len(_patterns(files.get(_ignore_file(context), b"").decode(errors="replace"))) > MOST_IGNORED:
        message = f"{IGNORE_FILE} has more than {MOST_IGNORED} patterns"
        yield Note(at, message, "name folders instead of files", "error", key=False)


def _below(context: str) -> str:
    return "" if context == "." else f"{context}/"


def _context(context: str, files: Mapping[str, bytes], entry: str) -> tuple[str, ...]:
    """The files below it. The compose file is none of them: another count in it would be another image."""
    below = _below(context)
    found = [path for path in sorted(files) if path.startswith(below) and path != entry]
    patterns = _patterns(files.get(_ignore_file(context), b"").decode(errors="replace"))
    if not patterns:
        return tuple(found)
    ignored = ignore_file.left_out(patterns)
    return tuple(path for path in found if not ignored(path.removeprefix(below)))


def _ignore_file(context: str) -> str:
    return IGNORE_FILE if context == "." else f"{context}/{IGNORE_FILE}"


def _patterns(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _named(build: Build, image: str, service: str, files: Mapping[str, bytes], executable: tuple[str, ...]) -> Build:
    """With its image's name: the one that the file gives, else the stack's and the service's; its tag ends in the content's hash."""
    digest = hashlib.sha256()
    about = [build.inline, build.args, build.target, build.labels, build.platform, build.context]
    digest.update(json.dumps(about).encode())
    for path in sorted({*build.files, *([build.dockerfile] if build.dockerfile else [])}):
        data = files[path]
        digest.update(f" {len(path)} {path} {len(data)} {path in executable} {path == build.dockerfile} ".encode())
        digest.update(data)
    content = digest.hexdigest()[:_DIGITS]
    name, tag, _ = split(image)
    if not name:
        name = f"{LOCAL}/{_part(build.stack)}/{_part(service)}"
    elif not _NAMES_A_REGISTRY.match(name):
        name = f"{LOCAL}/{name}"
    return replace(build, image=f"{name}:{f'{tag}-' if tag else ''}{content}")


def _part(text: str) -> str:
    """As one part of an image's name (distribution/reference, path-component)."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
