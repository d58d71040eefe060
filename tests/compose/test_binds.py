"""Bind mounts of the stack's own folder: configs, volumes, or an error; through Docker's own tools."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from deployer.compose.binds import MOST_FILES, becomes, without_binds
from deployer.compose.compiler import compile_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.compose.tools import Tools
    from deployer.model.stack import StackSource

    MakeStack = Callable[..., StackSource]

FILES = {
    "nginx.conf": "events {}\n",
    "bin/start.sh": "#!/bin/sh\nexec app\n",
    "conf/a.conf": "a\n",
    "conf/deep/b.conf": "b\n",
    "conf/deep/.gitkeep": "",
    "empty/.gitkeep": "",
    "nothing.conf": "",
}
COMPOSE = """\
services:
  web:
    image: app
    volumes:
      - ./nginx.conf:/etc/nginx/nginx.conf:ro
      - ./bin/start.sh:/start.sh
      - ./conf:/etc/app:ro
      - ./data/db:/var/lib/db
      - ./empty:/var/spool
      - cache:/cache
      - /srv/here:/there
  other:
    image: app
    volumes:
      - {type: bind, source: ./nginx.conf, target: /n, read_only: true}
      - ./data/db:/db
volumes: {cache: }
"""


def container(outcome: Any, index: int) -> Any:
    assert outcome.objects is not None, outcome.problems
    return outcome.objects.services[index]["TaskTemplate"]["ContainerSpec"]


def test_files_become_configs_and_folders_of_data_volumes(found: Tools, stack: MakeStack) -> None:
    outcome = compile_stack(stack("shop", compose=COMPOSE, **FILES), found)
    other, web = container(outcome, 0), container(outcome, 1)
    data = {one["Name"]: base64.b64decode(one["Data"]).decode() for one in outcome.objects.configs}  # type: ignore[union-attr]  # see container
    mounted = {one["File"]["Name"]: (data[one["ConfigName"]], oct(one["File"]["Mode"])) for one in web["Configs"]}
    assert mounted == {
        "/etc/nginx/nginx.conf": ("events {}\n", "0o444"),
        "/start.sh": ("#!/bin/sh\nexec app\n", "0o555"),
        "/etc/app/a.conf": ("a\n", "0o444"),
        "/etc/app/deep/b.conf": ("b\n", "0o444"),
    }
    assert {(one["Type"], one["Source"], one["Target"]) for one in web["Mounts"]} == {
        ("volume", "shop_data-db", "/var/lib/db"),
        ("volume", "shop_empty", "/var/spool"),
        ("volume", "shop_cache", "/cache"),
        ("bind", "/srv/here", "/there"),
    }
    assert [one["Source"] for one in other["Mounts"]] == ["shop_data-db"]
    (shared,) = other["Configs"]
    assert shared["ConfigName"] in {one["ConfigName"] for one in web["Configs"]}


def test_what_it_becomes_is_said_where_it_is_another_thing(found: Tools, stack: MakeStack) -> None:
    outcome = compile_stack(stack("shop", compose=COMPOSE, **FILES), found)
    told = sorted((problem.severity, problem.line, problem.message.split(" ")[0]) for problem in outcome.problems)
    assert told == [
        ("warning", 6, "./bin/start.sh"),
        ("warning", 8, "./data/db"),
        ("warning", 9, "./empty"),
        ("warning", 16, "./data/db"),
    ]


@pytest.mark.parametrize(
    ("mount", "message"),
    [
        ("./forgotten.yml:/x.yml", "there is no file forgotten.yml in stacks/shop"),
        ("./forgotten:/x:ro", "there is no forgotten in stacks/shop, and read-only it would stay empty"),
        ("../shared:/x:ro", "../shared is outside stacks/shop"),
        ("~/x:/x", "~/x is in the home directory of whoever deploys"),
        ("./nothing.conf:/x", "./nothing.conf is empty"),
    ],
)
def test_what_was_forgotten_is_refused(found: Tools, stack: MakeStack, mount: str, message: str) -> None:
    compose = f"services:\n  web:\n    image: app\n    volumes:\n      - {mount}\n"
    outcome = compile_stack(stack("shop", compose=compose, **FILES), found)
    (problem,) = [problem for problem in outcome.problems if problem.severity == "error"]
    assert (problem.line, problem.column) == (5, 9)
    assert problem.message.startswith(message)
    assert problem.help


def test_a_writable_folder_of_the_repository_is_read_only_and_said_so(found: Tools, stack: MakeStack) -> None:
    compose = "services: {web: {image: app, volumes: ['./conf:/conf']}}"
    outcome = compile_stack(stack("shop", compose=compose, **FILES), found)
    assert {one["File"]["Name"] for one in container(outcome, 0)["Configs"]} == {"/conf/a.conf", "/conf/deep/b.conf"}
    (warned,) = outcome.problems
    assert warned.severity == "warning"
    assert "what else is written there goes with its task" in warned.message


@pytest.mark.parametrize(
    ("mount", "left_out"),
    [
        ("./app:/code", True),
        ("./app/src:/code/src", True),
        ("./app:/code:ro", False),
        ("./conf:/conf", False),
        ("./application:/x", False),
        ("./app/data:/data", False),
    ],
    ids=["the context", "inside it", "read-only", "another folder", "a name that begins so", "not in the repository"],
)
def test_a_mount_of_what_the_image_is_built_from_is_left_out(
    found: Tools, stack: MakeStack, mount: str, *, left_out: bool
) -> None:
    compose = f"services:\n  web:\n    build: ./app\n    volumes: ['{mount}']\n"
    sources = {"app/Dockerfile": "FROM scratch\n", "app/src/a.py": "x", "application/x": "x"}
    outcome = compile_stack(stack("shop", compose=compose, **FILES, **sources), found)
    source = mount.partition(":")[0]
    told = [problem.message for problem in outcome.problems]
    assert (f"{source} is left out: this service's image is built from it" in told) is left_out
    body = container(outcome, 0)
    assert bool(body.get("Configs") or body.get("Mounts")) is not left_out


def test_a_source_with_a_variable_is_judged_when_docker_has_filled_it_in(found: Tools, stack: MakeStack) -> None:
    compose = "services: {web: {image: app, volumes: ['${DIR:-./}nginx.conf:/x:ro']}}"
    files = {**FILES, ".env": "ODD='a\"b'\n"}
    assert container(compile_stack(stack("shop", compose=compose, **files), found), 0)["Configs"]


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("data", "volume"),
        ("conf.d", "volume"),
        ("v1.2", "volume"),
        ("a.b/data", "volume"),
        ("x.yml", ""),
        ("a/.env", ""),
    ],
)
def test_a_folder_is_told_from_a_file_that_was_forgotten(path: str, what: str) -> None:
    assert becomes(path, {}, read_only=False) == what


def test_names_fit_and_are_their_own() -> None:
    mounts = [
        {"type": "bind", "source": f"./{path}", "target": f"/{path}", "read_only": True}
        for path in ("a-b", "a/b", "x" * 80)
    ]
    config = {"services": {"web": {"volumes": mounts}}}
    made, _ = without_binds(config, "s" * 40, dict.fromkeys(("a-b", "a/b", "x" * 80), b"x"))
    names = [one["name"] for one in made["configs"].values()]
    assert len(set(names)) == 3
    assert max(map(len, names)) <= 51


def test_a_folder_with_too_many_files_is_refused() -> None:
    config = {"services": {"web": {"volumes": [{"type": "bind", "source": "./d", "target": "/d", "read_only": True}]}}}
    files = {f"d/{number}": b"x" for number in range(MOST_FILES + 1)}
    _, notes = without_binds(config, "shop", files)
    assert [(note.severity, note.at) for note in notes] == [("error", ("services", "web", "volumes", 0))]


def test_a_folder_and_one_inside_it_are_not_two_volumes() -> None:
    mounts = [{"type": "bind", "source": f"./{path}", "target": f"/{path}"} for path in ("data", "data/db")]
    _, notes = without_binds({"services": {"web": {"volumes": mounts}}}, "shop", {})
    assert [note.severity for note in notes].count("error") == 1
