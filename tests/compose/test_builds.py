"""Images of a stack's own files, named by their content."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.compose.builds import with_images
from deployer.compose.compiler import compile_stack
from tests.compose.conftest import stack_of

if TYPE_CHECKING:
    from deployer.compose.tools import Tools
    from deployer.model.build import Build
    from deployer.model.stack import StackSource

FILES = {"app/Dockerfile": "FROM x\n", "app/run.sh": "#!/bin/sh\n", "app/notes/a.txt": "a", "other": "o", "compose": ""}


def build(section: Any = None, image: str = "", **files: str) -> Build:
    return built(stack_of("shop", **{**FILES, **files}), section, image)


def built(stack: StackSource, section: Any = None, image: str = "") -> Build:
    service = {"build": {"context": "./app"} | (section or {}), **({"image": image} if image else {})}
    config, (found,), notes = with_images({"services": {"web": service}}, stack)
    assert not [note for note in notes if note.severity == "error"]
    assert config["services"]["web"] == {"image": found.image}
    return found


def test_the_name_says_stack_service_and_content() -> None:
    found = build()
    name, _, tag = found.image.partition(":")
    assert (name, len(tag), found.service, found.pushed) == ("localhost/shop/web", 12, "shop_web", False)
    assert found.files == ("app/Dockerfile", "app/notes/a.txt", "app/run.sh")


@pytest.mark.parametrize(
    ("image", "name", "pushed"),
    [
        ("r.example:5000/team/web", "r.example:5000/team/web:", True),
        ("docker.io/ann/web:1.2", "docker.io/ann/web:1.2-", True),
        ("web:1", "localhost/web:1-", False),
        ("ann/web", "localhost/ann/web:", False),
    ],
)
def test_a_name_with_a_host_goes_to_that_registry(image: str, name: str, pushed: object) -> None:
    found = build(image=image)
    assert (found.image[:-12], found.pushed) == (name, pushed)


def test_everything_that_makes_another_image_makes_another_name() -> None:
    stack = stack_of("shop", **FILES)
    images = [
        build(),
        build({"args": {"A": "1"}}),
        build({"args": {"A": "2"}}),
        build({"target": "x"}),
        build({"labels": {"a": "b"}}),
        build({"platforms": ["linux/arm64"]}),
        build({"dockerfile_inline": "FROM y"}),
        build({"dockerfile": "../other"}),
        build({"context": "."} | {"dockerfile": "app/Dockerfile"}),
        build(**{"app/run.sh": "#!/bin/bash\n"}),
        build(**{"app/new": ""}),
        built(replace(stack, executable=("app/run.sh",))),
    ]
    assert len({one.image for one in images}) == len(images)


def test_nothing_else_does() -> None:
    assert build().image == build(other="p", compose="services: {}").image
    whole = {"context": ".", "dockerfile": "app/Dockerfile"}
    assert build(whole).image == build(whole, compose="another count").image


def test_dockerignore_counts_as_docker_reads_it() -> None:
    ignore = "# a comment\n\n**/*.txt\n!notes/keep.txt\nrun.sh\n.dockerignore\n"
    found = build(**{"app/.dockerignore": ignore, "app/notes/keep.txt": "k"})
    assert found.files == ("app/.dockerignore", "app/Dockerfile", "app/notes/keep.txt")
    assert (
        found.image == build(**{"app/.dockerignore": ignore, "app/notes/keep.txt": "k", "app/notes/a.txt": "b"}).image
    )


@pytest.mark.parametrize(
    ("section", "image", "places"),
    [
        ({"dockerfile": "Nope"}, "", [("error", ("dockerfile",))]),
        ({"platforms": ["a", "b"]}, "", [("error", ("platforms",))]),
        ({"secrets": ["x"], "cache_from": ["y"]}, "", [("warning", ("cache_from",)), ("error", ("secrets",))]),
        ({}, "web@sha256:ab", [("error", None)]),
    ],
)
def test_what_cannot_be_built_is_named_with_its_place(section: Any, image: str, places: list[Any]) -> None:
    service = {"build": {"context": "./app"} | section, "image": image}
    _, _, notes = with_images({"services": {"web": service}}, stack_of("shop", **FILES))
    at = ("services", "web", "build")
    assert [(note.severity, note.at) for note in notes] == [
        (severity, ("services", "web", "image") if below is None else (*at, *below)) for severity, below in places
    ]


def test_compiled_by_the_real_tools(found: Tools) -> None:
    text = "services:\n  web:\n    build: {context: app, args: {V: '1'}}\n  api:\n    build:\n      context: .\n      dockerfile: Nope\n"
    outcome = compile_stack(stack_of("shop", **{**FILES, "compose": text}), found)
    assert [(one.line, one.column, one.message) for one in outcome.problems] == [
        (7, 19, "there is no file 'Nope' in stacks/shop")
    ]
    outcome = compile_stack(stack_of("shop", **{**FILES, "compose": text.partition("  api")[0]}), found)
    assert outcome.objects is not None
    (made,) = outcome.objects.builds
    assert (made.args, made.dockerfile, made.context) == ((("V", "1"),), "app/Dockerfile", "app")
    (service,) = outcome.objects.services
    assert service["TaskTemplate"]["ContainerSpec"]["Image"] == made.image


@pytest.mark.parametrize("name", ["HEAD", ".git", ".git/config", ".GIT/config"])
def test_a_context_in_which_the_client_would_run_git_is_refused(name: str) -> None:
    """buildx runs git in the context; beside a HEAD it obeys a `config` of the push, which may name any program."""
    for stack, section in (
        (stack_of("shop", **{**FILES, f"app/{name}": "x"}), {"context": "./app"}),
        (stack_of("shop", **{**FILES, "Dockerfile": "FROM x\n", name: "x"}), {"context": "."}),
    ):
        _, builds, notes = with_images({"services": {"web": {"build": section}}}, stack)
        assert [(note.at, note.severity) for note in notes] == [(("services", "web", "build", "context"), "error")]
        assert not builds
    assert build(
        **{"app/notes/HEAD": "x", "app/.gitignore": "x", "HEAD": "x"}
    ).files  # elsewhere it is a file like others


@pytest.mark.parametrize(
    "pattern",
    [
        "**/*.pyc",
        "**/__pycache__/**",
        "*test*",
        "docs/**/a*b*/*.md",
        "*a*a*a*a*a*a*a*a*a*a*b",
        "**/**/**/**/**/**/**/**/x",
    ],
)
def test_a_pattern_that_others_match_for_ever_ends(pattern: str) -> None:
    stack = stack_of("shop", **{**FILES, "app/.dockerignore": f"# a\n{pattern}\n", f"app/{'a' * 200}": "a"})
    _, _, notes = with_images({"services": {"web": {"build": {"context": "app"}}}}, stack)
    assert notes == []
