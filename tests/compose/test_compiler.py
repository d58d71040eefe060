"""Compiling, end to end with the real tools: always the same, nothing from outside, no secret on the way."""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.cage import children
from deployer.cage.rules import Limits
from deployer.compose import client, compile_stacks
from deployer.compose.compiler import compile_stack
from deployer.errors import DeployerError, InvalidFilesError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from deployer.compose.tools import Tools
    from deployer.model.stack import StackSource

    MakeStack = Callable[..., StackSource]

CANARY = "canary-3f1c"
APP = "services: {web: {image: app}}"


def everything_of(objects: object) -> str:
    """All of it as text, secrets included."""
    if isinstance(objects, (tuple, list)):
        return "\n".join(map(everything_of, objects))
    if isinstance(objects, dict):
        return "\n".join(f"{key}: {everything_of(one)}" for key, one in objects.items())
    if hasattr(objects, "reveal"):
        return str(objects.reveal())
    return everything_of(vars(objects)) if hasattr(objects, "__dataclass_fields__") else repr(objects)


def test_the_result_is_the_same_in_every_directory_and_at_every_time(
    found: Tools, examples: tuple[StackSource, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = []
    chosen = [stack for stack in examples if stack.name in {"contents", "environment", "networks", "ports", "storage"}]
    for name in ("a", "b-with-a-longer-name"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        texts.append([everything_of(compile_stack(stack, found).objects) for stack in chosen])
        assert list(folder.iterdir()) == []
    assert texts[0] == texts[1]
    assert "None" not in texts[0]
    assert len(texts[0]) == 5


def test_only_the_stacks_own_env_is_filled_in(
    found: Tools, stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TAG", "PATH_TO", "COMPOSE_PROFILES", "DOCKER_HOST", "COMPOSE_FILE", "SOME_TOKEN"):
        monkeypatch.setenv(name, CANARY)
    text = (
        "services: {web: {image: 'app:${TAG}', environment: [SOME_TOKEN], command: '${PATH_TO:-none}'}, "
        f"other: {{image: app, profiles: [{CANARY}]}}}}"
    )
    done = compile_stacks([stack("web", compose=text, **{".env": "TAG=7"})], cache=tmp_path)
    (service,) = done.objects[0].services
    assert service["TaskTemplate"]["ContainerSpec"]["Image"] == "app:7"
    assert service["TaskTemplate"]["ContainerSpec"]["Args"] == ["none"]
    assert CANARY not in everything_of(done.objects)
    assert [problem.message.partition(" ")[0] for problem in done.warnings] == ["SOME_TOKEN"]


@pytest.mark.parametrize("name", ["HOME", "PATH", "USER", "PWD", "DOCKER_CONFIG", "DOCKER_HOST", "TMPDIR"])
def test_not_even_ordinary_variables_of_whoever_deploys_are_filled_in(
    found: Tools, stack: MakeStack, tmp_path: Path, name: str
) -> None:
    with pytest.raises(InvalidFilesError) as caught:
        compile_stacks([stack("web", compose=f"services: {{web: {{image: 'app:${{{name}}}'}}}}")], cache=tmp_path)
    (problem,) = caught.value.problems
    assert name in problem.message
    assert (problem.line, problem.column) == (1, 30)


def test_a_secret_is_never_on_disk_nor_in_an_argument(
    found: Tools, stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = client.Client.deploy

    def deploy(self: client.Client, file: Path, *, stack: str, socket: Path) -> str:
        for path in self.folder.rglob("*"):
            if path.is_file():
                seen.append(path.read_text(errors="replace"))
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
            elif path.is_dir():
                assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
        return real(self, file, stack=stack, socket=socket)

    monkeypatch.setattr(client.Client, "deploy", deploy)
    text = "services: {web: {image: app, secrets: [key]}}\nsecrets: {key: {file: ./key}}"
    os.umask(0)
    outcome = compile_stack(stack("web", compose=text, key=CANARY), found)
    assert len(seen) >= 4
    assert not any(CANARY in text or base64.b64encode(CANARY.encode()).decode() in text for text in seen)
    assert outcome.objects is not None
    assert base64.b64decode(outcome.objects.secrets[0]["Data"].reveal()).decode() == CANARY
    assert CANARY not in repr(outcome)
    assert base64.b64encode(CANARY.encode()).decode() not in repr(outcome)


@pytest.fixture(autouse=True)
def _same_umask() -> Iterator[None]:
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def test_unusual_text_arrives_as_it_is(found: Tools, stack: MakeStack, tmp_path: Path) -> None:
    value = "ü 😀 \x85 \u2028 \ufeff | & ' : # $ {} \\ \x7f"
    text = 'services: {web: {image: app, labels: {"$a b😀": "ü 😀 \\x85 \\u2028 \\uFEFF | & \' : # $$ {} \\\\ \\x7f"}}}'
    (objects,) = compile_stacks([stack("web", compose=text)], cache=tmp_path).objects
    labels = objects.services[0]["TaskTemplate"]["ContainerSpec"]["Labels"]
    assert labels["$a b😀"] == value


def test_an_empty_environment_still_finds_the_users_own_compose_plugin(
    found: Tools, stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = tmp_path / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(found.compose.path)
    monkeypatch.setenv("DOCKER_CONFIG", str(plugins.parent))
    monkeypatch.setattr("deployer.compose.tools.PLUGIN_FOLDERS", ())
    assert len(compile_stacks([stack("web", compose=APP)], cache=tmp_path / "cache").objects) == 1


@pytest.mark.parametrize(
    ("missing", "message"), [("docker", "docker CLI is not installed"), ("compose", "no compose plugin")]
)
def test_a_missing_tool_is_one_line_with_advice(
    stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, message: str
) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path if missing == "compose" else tmp_path / "nowhere"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr("deployer.compose.tools.PLUGIN_FOLDERS", ())
    with pytest.raises(DeployerError, match=message) as caught:
        compile_stacks([stack("web", compose=APP)], cache=tmp_path)
    assert caught.value.help.startswith("install Docker's CLI")


def test_without_stacks_no_tool_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert compile_stacks([]).objects == ()


def stand_in(found: Tools, folder: Path, script: str) -> Tools:
    """Tools whose compose plugin is this script."""
    folder.mkdir(exist_ok=True)
    program = folder / "docker-compose"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return replace(found, compose=replace(found.compose, path=str(program)))


def test_a_tool_that_hangs_is_ended(
    found: Tools, stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LIMITS", Limits(seconds=0.2))
    with pytest.raises(TimedOutError, match=r"docker compose config needs more than 0\.2 s for stack web"):
        compile_stack(stack("web", compose=APP), stand_in(found, tmp_path, "while :; do :; done"))


def test_a_tool_that_never_stops_writing_is_ended(
    found: Tools, stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "LARGEST_OUTPUT", 1 << 20)
    with pytest.raises(DeployerError, match="docker compose config needs more than 1 MiB of output for stack web"):
        compile_stack(stack("web", compose=APP), stand_in(found, tmp_path, "while :; do echo $PATH$PATH$PATH; done"))


def test_a_tool_that_dies_without_a_word_is_an_error_of_its_own(found: Tools, stack: MakeStack, tmp_path: Path) -> None:
    with pytest.raises(DeployerError, match="exit code 3"):
        compile_stack(stack("web", compose=APP), stand_in(found, tmp_path, "exit 3"))


def test_nothing_is_left_behind_after_an_error(
    found: Tools, stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    outcome = compile_stack(stack("web", compose="services: {web: {imge: a}}"), found)
    assert outcome.objects is None
    assert list(tmp_path.iterdir()) == []


def test_no_file_of_the_repository_is_written_whatever_it_is_called(
    found: Tools, stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(inside))
    monkeypatch.setattr("shutil.rmtree", lambda *_args, **_options: None)
    paths = ("../escaped", "../../escaped", "a/../../escaped", str(tmp_path / "escaped"), ".env", "Dockerfile")
    assert compile_stack(stack("web", compose=APP, **dict.fromkeys(paths, "x=1\n")), found).objects is not None
    assert [path for path in tmp_path.iterdir() if path != inside] == []
    (folder,) = inside.iterdir()
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {"empty", "probe.json", "files/0.json"}


def test_an_older_docker_cli_is_tried_again_with_what_it_knows(
    found: Tools, stack: MakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = client.Client.deploy

    def refuse(self: client.Client, file: Path, *, stack: str, socket: Path) -> str:
        if "oom_score_adj" in file.read_text():
            raise client.ToolFailedError("services.web Additional property oom_score_adj is not allowed")
        return real(self, file, stack=stack, socket=socket)

    monkeypatch.setattr(client.Client, "deploy", refuse)
    outcome = compile_stack(stack("web", compose="services: {web: {image: app, oom_score_adj: 5}}"), found)
    assert outcome.objects is not None
    assert [(problem.severity, problem.column) for problem in outcome.problems] == [("warning", 30)]
