"""Compose mode, with the real `docker compose config`: what the machine is given."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.compose import compile_stacks
from deployer.compose.compiler import compile_stack
from deployer.model.stack import StackSettings
from tests.compose.conftest import stack_of

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.compose.tools import Tools
    from deployer.model.project import Project
    from deployer.model.stack import StackSource

COMPOSE = """\
services:
  web:
    image: nginx:1.27
    command: ["echo", "$$HOME"]
    configs: [{source: site, target: /etc/site.conf}]
    secrets: [password]
    depends_on: [db]
    deploy: {replicas: 2}
  db:
    image: redis:7
    volumes: ["data:/data"]
configs: {site: {file: ./site.conf}}
secrets: {password: {file: ./password.txt}}
volumes: {data: {}, theirs: {external: true}}
"""
FILES = {"compose": COMPOSE, "site.conf": "listen $port;\n", "password.txt": "hunter2"}


def in_compose_mode(**files: str) -> StackSource:
    settings = StackSettings(mode="compose", node="m1")
    return replace(stack_of("shop", **(FILES | files)), settings=settings)


def compiled(found: Tools, **files: str) -> Project:
    outcome = compile_stack(in_compose_mode(**files), found)
    assert outcome.objects is not None, outcome.problems
    assert outcome.objects.project is not None
    return outcome.objects.project


def test_the_file_is_whole_and_secrets_are_not_in_it(found: Tools) -> None:
    project = compiled(found)
    model = json.loads(project.file)
    assert project.node == "m1"
    assert model["name"] == "shop"
    assert model["configs"]["site"] == {"content": "listen $port;\n"}
    assert model["services"]["web"]["command"] == ["echo", "$HOME"]
    variable = model["secrets"]["password"]["environment"]
    assert project.environment[variable].reveal() == "hunter2"
    assert "hunter2" not in project.file
    assert model["volumes"]["data"]["labels"] == {"deployer.stack": "shop"}
    assert "labels" not in model["volumes"].get("theirs", {})
    assert [(one.name, one.count, one.image) for one in project.services] == [
        ("db", 1, "redis:7"),
        ("web", 2, "nginx:1.27"),
    ]


def hashes(found: Tools, **files: str) -> dict[str, str]:
    return {service.name: service.hash for service in compiled(found, **files).services}


def test_a_hash_says_what_containers_are_made_from_and_nothing_else(found: Tools) -> None:
    before = hashes(found)
    assert hashes(found, compose=COMPOSE.replace("replicas: 2", "replicas: 5")) == before
    assert hashes(found, compose=COMPOSE.replace("    depends_on: [db]\n", "")) == before
    for changed in (
        {"site.conf": "listen 81;\n"},
        {"password.txt": "hunter3"},
        {"compose": COMPOSE.replace("nginx:1.27", "nginx:1.28")},
    ):
        after = hashes(found, **changed)
        assert after["web"] != before["web"], changed
        assert after["db"] == before["db"], changed


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("    build: .", "'build' is not done on a machine"),
        ("    volumes: [./data:/data]", "./data is a path of this repository"),
    ],
)
def test_what_needs_a_checkout_there_is_refused_with_its_line(found: Tools, line: str, message: str) -> None:
    text = f"services:\n  web:\n    image: nginx\n{line}\n"
    outcome = compile_stack(in_compose_mode(compose=text), found)
    assert outcome.objects is None
    (problem,) = [one for one in outcome.problems if one.severity == "error"]
    assert problem.line == 4
    assert message in problem.message


def test_it_is_kept_in_the_cache_unless_it_has_secrets(found: Tools, tmp_path: Path) -> None:
    plain = in_compose_mode(
        compose=COMPOSE.replace("    secrets: [password]\n", "").replace(
            "secrets: {password: {file: ./password.txt}}\n", ""
        )
    )
    said: list[str] = []
    first = compile_stacks([plain], said.append, tmp_path)
    again = compile_stacks([plain], said.append, tmp_path)
    assert first == again
    assert said == ["compiled shop"]
    compile_stacks([in_compose_mode()], said.append, tmp_path)
    assert not any("hunter2" in file.read_text(errors="replace") for file in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("volume", "mount", "at"),
    [
        ("{driver: local, driver_opts: {type: none, o: bind, device: '..'}}", "v:/y", "volumes"),
        ("{driver: local, driver_opts: {type: none, o: 'bind,ro', device: '../../x'}}", "v:/y", "volumes"),
        ("{}", "{type: bind, source: 'q/../..', target: /y}", "services"),
        ("{}", "{type: bind, source: 'x/../../..', target: /y}", "services"),
    ],
)
def test_no_folder_of_the_machine_that_deploys_gets_into_a_mount(
    found: Tools, volume: str, mount: str, at: str
) -> None:
    text = f"services:\n  web:\n    image: app\n    volumes:\n    - {mount}\nvolumes:\n  v: {volume}\n"
    for source in (in_compose_mode(compose=text), stack_of("shop", compose=text)):
        outcome = compile_stack(source, found)
        assert outcome.objects is None, at
        assert all(problem.line > 3 for problem in outcome.problems if problem.severity == "error"), outcome.problems


@pytest.mark.parametrize("context", ["https://git.example/x.git", "docker-image://x", "target:web", "service:web"])
def test_a_build_context_elsewhere_is_refused_and_not_empty(found: Tools, context: str) -> None:
    text = f"services:\n  web:\n    build:\n      context: '{context}'\n      dockerfile_inline: FROM scratch\n"
    outcome = compile_stack(stack_of("shop", compose=text), found)
    assert outcome.objects is None
    assert any("is not in this repository" in problem.message and problem.line == 4 for problem in outcome.problems)
