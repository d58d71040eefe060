"""Files of a hostile pusher, through the real client: each is refused by its line, and nothing of this machine is in what it gets.

Attacks of issue 13 with variants. `SECRET` stands for a file of the deploying account, by its full path.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import socket
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.cage.children import run_caged
from deployer.compose import compile_stacks
from deployer.compose.amount import MOST_VALUES
from deployer.compose.interpolation import Budget, CannotFillInError, fill_in
from deployer.compose.references import references
from deployer.errors import InvalidFilesError
from deployer.model.stack import StackSettings
from tests.compose.conftest import stack_of
from tests.needs import COMPILER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from deployer.cage.children import Ended
    from deployer.cage.rules import Rules
    from deployer.compose.tools import Tools
    from deployer.model.problem import Problem
    from deployer.model.stack import StackSource

CANARY = "canary-7c21"
WEB = "services:\n  web:\n    image: app\n"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that only the deploying account may read; it is an env file, a compose file and a seccomp profile at once."""
    path = tmp_path / "home" / "secret"
    path.parent.mkdir()
    path.write_text(f"TOKEN={CANARY}\n")
    path.chmod(0o600)
    return path


def refused(stack: StackSource, tmp_path: Path) -> tuple[Problem, ...]:
    """The errors; nothing of the machine is in any text or kept file."""
    cache = tmp_path / "cache"
    said: list[str] = []
    with pytest.raises(InvalidFilesError) as caught:
        compile_stacks([stack], said.append, cache)
    kept = [file.read_text(errors="replace") for file in cache.rglob("*") if file.is_file()]
    everything = [*said, *kept, repr(caught.value.problems)]
    assert CANARY not in "".join(everything)
    return tuple(problem for problem in caught.value.problems if problem.severity == "error")


def at(secret: Path, files: dict[str, str]) -> dict[str, str]:
    """The files with the secret's path in them, and with it as part of names (`HERE`: without the slash before it)."""
    here = str(secret).lstrip("/")

    def filled(text: str) -> str:
        up = "../" * 40
        return text.replace("UP", up.rstrip("/")).replace("SECRET", str(secret)).replace("HERE", here)

    return {filled(path): filled(text) for path, text in files.items()}


# What is pushed, and where it is refused: (file, line) and a part of the message.
ATTACKS: dict[str, tuple[dict[str, str], tuple[str, int], str]] = {
    # 1. Two readings of one YAML.
    "a tagged merge in a service": ({"compose": "x-a: &x {env_file: SECRET}\nservices:\n  web:\n    image: app\n    ! <<: *x\n"}, ("compose.yaml", 5), "the tag ! is not allowed"),
    "a merge, tagged as one": ({"compose": "x-a: &x {env_file: SECRET}\nservices:\n  web:\n    image: app\n    !!merge <<: *x\n"}, ("compose.yaml", 5), "the tag !!merge is not allowed"),
    "a quoted merge": ({"compose": "x-a: &x {env_file: SECRET}\nservices:\n  web:\n    image: app\n    '<<': *x\n"}, ("compose.yaml", 5), "this '<<' is read in two ways"),
    "a tag by another name": ({"compose": "%TAG ! tag:yaml.org,2002:\n---\nservices:\n  web:\n    image: app\n    env_file: !str SECRET\n"}, ("compose.yaml", 1), "a %TAG line"),
    "a tagged merge in an include": ({"compose": "x-a: &y {path: SECRET}\ninclude:\n  - {! <<: *y}\n" + WEB}, ("compose.yaml", 3), "the tag ! is not allowed"),
    "a merge of an alias as a key": ({"compose": "x-m: &m <<\nx-a: &x {env_file: SECRET}\nservices:\n  web:\n    image: app\n    *m : *x\n"}, ("compose.yaml", 6), "an alias is not allowed for a key"),
    "a plain merge is seen": ({"compose": "x-a: &x {env_file: SECRET}\nservices:\n  web:\n    image: app\n    <<: *x\n"}, ("compose.yaml", 1), "is outside stacks/web"),
    "two env_file": ({"compose": WEB + "    env_file: a.env\n    env_file: SECRET\n", "a.env": ""}, ("compose.yaml", 5), "'env_file' is already given"),
    "a second document": ({"compose": WEB + "---\nservices: {web: {env_file: SECRET}}\n"}, ("compose.yaml", 4), "a second YAML document"),
    # 2. Each file was looked at once.
    "another base": (
        {
            "compose": "include:\n  - {path: x.yaml, project_directory: a/b/c/d}\nservices:\n  web:\n    extends: {file: x.yaml, service: s}\n",
            "x.yaml": "services:\n  s:\n    image: app\n    env_file: ../../../../HERE\n",
            "HERE": "", "a/b/c/d/keep": "",
        },
        ("x.yaml", 4), "is outside stacks/web",
    ),
    "another base, the other way round": (
        {
            "compose": "services:\n  web:\n    extends: {file: a/b/x.yaml, service: s}\ninclude:\n  - {path: a/b/x.yaml, project_directory: .}\n",
            "a/b/x.yaml": "services:\n  s:\n    image: app\n    env_file: ../../z.env\n",
            "z.env": "",
        },
        ("a/b/x.yaml", 4), "'../../z.env' is outside stacks/web",
    ),
    "other variables": (
        {
            "compose": "include:\n  - {path: x.yaml, env_file: ok.env}\n  - {path: x.yaml, env_file: bad.env}\n" + WEB,
            "x.yaml": "configs:\n  c: {file: '${FROM}'}\n",
            "ok.env": "FROM=z.conf\n", "bad.env": "FROM=SECRET\n", "z.conf": "x",
        },
        ("x.yaml", 2), "is outside stacks/web",
    ),
    "a variable of the included folder": (
        {
            "compose": "include: [a/x.yaml]\nservices:\n  web:\n    extends: {file: a/x.yaml, service: s}\n",
            "a/x.yaml": "services:\n  s:\n    image: app\n    env_file: ${FROM:-z.env}\n",
            "a/.env": "FROM=SECRET\n", "a/z.env": "",
        },
        ("a/x.yaml", 4), "is outside stacks/web",
    ),
    "a file that two folders include": (
        {
            "compose": "include: [a/a.yaml, b/b.yaml]\n" + WEB,
            "a/a.yaml": "include: [{path: ../x.yaml, project_directory: .}]\n",
            "b/b.yaml": "include: [{path: ../x.yaml, project_directory: ..}]\n",
            "x.yaml": "services:\n  s:\n    image: app\n    label_file: ../z.env\n",
            "z.env": "", "a/keep": "",
        },
        ("x.yaml", 4), "'../z.env' is outside stacks/web",
    ),
    # 8. Variables that switch on what the client can do.
    "an include from a registry": ({"compose": "include:\n  - oci://127.0.0.1:PORT/a\n" + WEB, ".env": "COMPOSE_EXPERIMENTAL_OCI_REMOTE=1\n"}, ("compose.yaml", 2), "is not in this repository"),
    "the same by a merge": ({"compose": "x-a: &y {path: 'oci://127.0.0.1:PORT/a'}\ninclude:\n  - {<<: *y}\n" + WEB, ".env": "COMPOSE_EXPERIMENTAL=1\nCOMPOSE_EXPERIMENTAL_OCI_REMOTE=true\n"}, ("compose.yaml", 1), "is not in this repository"),
    "the same by a variable": ({"compose": "include:\n  - ${FROM}//127.0.0.1:PORT/a\n" + WEB, ".env": "FROM='oci:'\nCOMPOSE_EXPERIMENTAL_OCI_REMOTE=1\n"}, ("compose.yaml", 2), "is not in this repository"),
    "an extended file from a git server": ({"compose": "services:\n  web:\n    extends: {file: 'http://127.0.0.1:PORT/a.git', service: s}\n", ".env": "COMPOSE_EXPERIMENTAL_GIT_REMOTE=1\n"}, ("compose.yaml", 3), "is not in this repository"),
}  # fmt: skip


@contextlib.contextmanager
def listening() -> Iterator[tuple[int, Counter[str]]]:
    """A port of this machine, and what came to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        came: Counter[str] = Counter()
        yield server.getsockname()[1], came
        with contextlib.suppress(BlockingIOError):
            while True:
                server.accept()[0].close()
                came["connection"] += 1


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_refused_by_its_line(found: Tools, tmp_path: Path, secret: Path, name: str) -> None:
    files, (path, line), message = ATTACKS[name]
    with listening() as (port, came):
        given = {file: text.replace("PORT", str(port)) for file, text in at(secret, files).items()}
        problems = refused(stack_of("web", **given), tmp_path)
    assert not came
    assert [(one.path, one.line) for one in problems if message in one.message] == [(f"stacks/web/{path}", line)]
    assert not any("docker says" in one.message for one in problems)


def test_an_env_file_of_a_nested_include_is_the_repositorys(found: Tools, tmp_path: Path, secret: Path) -> None:
    """Compose counts it from the directory in which it runs, which is the root: there is another file of that name."""
    folder = posixpath.dirname(str(secret).lstrip("/"))
    files = {
        "compose": f"include: [{folder}/a.yaml]\nservices: {{z: {{image: app}}}}\n",
        f"{folder}/a.yaml": "include: [{path: b.yaml, env_file: secret}]\n",
        f"{folder}/b.yaml": 'services: {web: {image: app, environment: {TOKEN: "${TOKEN:-none}"}}}\n',
        f"{folder}/secret": "TOKEN=mine\n",
    }
    (objects,) = compile_stacks([stack_of("web", **files)], cache=tmp_path / "cache").objects
    assert CANARY not in repr(objects)
    assert objects.services[0]["TaskTemplate"]["ContainerSpec"]["Env"] == ["TOKEN=mine"]


def test_variables_of_env_files_are_values_and_switch_on_nothing(
    found: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environments: list[dict[str, str]] = []

    def watched(argv: Sequence[str], *, rules: Rules, environment: Mapping[str, str]) -> Ended:
        environments.append(dict(environment))
        return run_caged(argv, rules=rules, environment=environment)

    monkeypatch.setattr("deployer.compose.client.run_caged", watched)
    with listening() as (port, came):
        names = (
            "DOCKER_HOST", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "OTEL_EXPORTER_OTLP_ENDPOINT", "BUILDX_BUILDER", "COMPOSE_FILE",
            "COMPOSE_ENV_FILES", "LD_PRELOAD", "HOME", "PATH", "DOCKER_CONFIG", "COMPOSE_EXPERIMENTAL_OTEL", "DOCKER_CONTEXT",
        )  # fmt: skip
        env = "".join(f"{name}=tcp://127.0.0.1:{port}/x\n" for name in names)
        text = "services:\n  web: {image: app, command: [echo, '${DOCKER_HOST}'], env_file: [.env], environment: [LD_PRELOAD]}\n"
        done = compile_stacks([stack_of("web", compose=text, **{".env": env})], cache=tmp_path / "cache")
    assert not came
    assert environments == [{"DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND": "docker"}, {}]
    (service,) = done.objects[0].services
    container = service["TaskTemplate"]["ContainerSpec"]
    assert container["Args"] == ["echo", f"tcp://127.0.0.1:{port}/x"]
    assert sorted(container["Env"]) == sorted(f"{name}=tcp://127.0.0.1:{port}/x" for name in names)


def test_profiles_of_the_env_file_are_chosen_and_are_no_options(found: Tools, tmp_path: Path) -> None:
    text = "services:\n  a: {image: a, profiles: [one]}\n  b: {image: b, profiles: [--help]}\n  c: {image: c, profiles: [three]}\n"
    stack = stack_of("web", compose=text, **{".env": "COMPOSE_PROFILES=one, --help\n"})
    (objects,) = compile_stacks([stack], cache=tmp_path / "cache").objects
    assert [body["Name"] for body in objects.services] == ["web_a", "web_b"]


# 3. Keys of a service in compose mode, and their sections of the file.
IN_COMPOSE_MODE: dict[str, tuple[str, str]] = {
    "a seccomp profile": ("security_opt: ['seccomp=SECRET']", "may be a file of the machine that deploys"),
    "a seccomp profile with a colon": ("security_opt: ['no-new-privileges', 'seccomp:SECRET']", "may be a file"),
    "a relative seccomp profile": ("security_opt: ['seccomp=UP/SECRET']", "may be a file"),
    "a seccomp profile by a variable": ("security_opt: ['${S:-seccomp}=SECRET']", "may be a file"),
    "a credential specification": ("credential_spec: {file: SECRET}", "'credential_spec' is a file of the machine"),
    "a build": ("build: {context: ., dockerfile: SECRET}", "'build' is not done on a machine"),
}


@pytest.mark.parametrize("name", IN_COMPOSE_MODE)
def test_in_compose_mode_a_service_has_only_what_makes_the_client_read_nothing(
    found: Tools, tmp_path: Path, secret: Path, name: str
) -> None:
    line, message = IN_COMPOSE_MODE[name]
    files = at(secret, {"compose": f"{WEB}    {line}\n"})
    stack = replace(stack_of("web", **files), settings=StackSettings(mode="compose", node="m1"))
    problems = refused(stack, tmp_path)
    assert [(one.path, one.line) for one in problems] == [("stacks/web/compose.yaml", 4)]
    assert message in problems[0].message


def test_in_compose_mode_nothing_comes_from_the_environment_of_whoever_deploys(
    found: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", CANARY)
    text = f"{WEB}    environment: [SOME_TOKEN, HOME, A=1]\n"
    stack = replace(stack_of("web", compose=text), settings=StackSettings(mode="compose", node="m1"))
    done = compile_stacks([stack], cache=tmp_path / "cache")
    project = done.objects[0].project
    assert project is not None
    assert json.loads(project.file)["services"]["web"]["environment"] == {"A": "1"}
    assert [problem.message.partition(" ")[0] for problem in done.warnings] == ["SOME_TOKEN", "HOME"]


# 7. What takes long, or much.
BOMBS: dict[str, tuple[dict[str, str], str]] = {
    "labels": ({"compose": WEB + "    labels:\n" + "".join(f"      l{i}: v\n" for i in range(45_000))}, "more than 2000 entries"),
    "labels in a list": ({"compose": WEB + "    labels:\n" + "".join(f"      - l{i}=v\n" for i in range(45_000))}, "more than 2000 entries"),
    "nested variables": ({"compose": WEB + "    labels: {l: '" + "${A:-" * 5000 + "x" + "}" * 5000 + "'}\n"}, "nested more than 20 deep"),
    "nested variables in an env file": ({"compose": WEB + "    env_file: a.env\n", "a.env": "A=" + "${B:-" * 5000 + "}" * 5000 + "\n"}, "nested more than 20 deep"),
    "variables of variables": ({"compose": WEB + "    labels: {l: $A40}\n", ".env": "A0=aaaaaaaaaa\n" + "".join(f"A{i + 1}=$A{i}$A{i}\n" for i in range(40))}, "would be filled in"),
    "a long variable in each of many labels": ({"compose": WEB + "    labels:\n" + "".join(f"      l{i}: $A\n" for i in range(1900)), ".env": f"A={'a' * 900_000}\n"}, "would be filled in"),
    "ports": ({"compose": WEB + "    ports: ['1-65535:1-65535']\n"}, "more than 12000 ports"),
    "ports with many zeros": ({"compose": WEB + f"    ports: ['{'0' * 90}1-{'0' * 90}65535']\n"}, "more than 12000 ports"),
    "ports of many services": ({"compose": "x-p: &p {image: app, ports: ['1-6000:1-6000']}\nservices:\n" + "".join(f"  s{i}: *p\n" for i in range(3))}, "more than 12000 ports"),
    "includes of includes": ({"compose": "include: [f0.yaml]\n" + WEB, **{f"f{i}.yaml": f"include: [f{i + 1}.yaml, f{i + 1}.yaml]\n" for i in range(40)}, "f40.yaml": "services: {}\n"}, "Docker would read"),
    "a large service that many extend": ({"compose": "services:\n  s: {image: app, labels: {" + ", ".join(f"l{i}: v" for i in range(1500)) + "}}\n" + "".join(f"  t{i}: {{extends: s}}\n" for i in range(500))}, "Docker would read"),
    "a large file that many extend": ({"compose": "services:\n" + "".join(f"  t{i}: {{extends: {{file: x.yaml, service: s}}}}\n" for i in range(500)), "x.yaml": "services: {s: {image: app}}\nx-a: [" + "1, " * 1900 + "]\n"}, "Docker would read"),
    "an env file in each of many services": ({"compose": "x-s: &s {image: app, env_file: a.env}\nservices:\n" + "".join(f"  s{i}: *s\n" for i in range(900)), "a.env": "".join(f"A{i}=1\n" for i in range(1900))}, "env files are read for so many services"),
    "services that extend each other": ({"compose": "services:\n" + "".join(f"  s{i}: {{image: app, extends: s{(i + 1) % 1500}}}\n" for i in range(1500))}, "services that extend each other"),
    "deep brackets": ({"compose": "services: " + "[" * 30_000}, "nested more than 64 deep"),
}  # fmt: skip


@COMPILER
@pytest.mark.parametrize("name", BOMBS)
def test_what_would_take_long_is_refused_before_any_tool_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a tool was started")

    monkeypatch.setattr("deployer.compose.client.run_caged", never)
    files, message = BOMBS[name]
    problems = refused(stack_of("web", **files), tmp_path)
    assert any(message in one.message for one in problems), problems
    assert all(one.line for one in problems)


@pytest.mark.parametrize("size", [1_000, 10_000, 100_000])
@pytest.mark.parametrize(
    "text", ["${A:-x}", "${A:-{}", "$A", "${A:-${A:-${A:-x}}}", "$", "${A:-x", "${A-\n", "}", "${U:?"]
)
def test_filling_in_costs_as_much_as_the_text_is_long(text: str, size: int) -> None:
    budget = Budget(left=1 << 40)
    with contextlib.suppress(CannotFillInError):
        fill_in(text * (size // len(text)), {"A": ""}.get, budget)
    assert budget.spent <= 60 * size  # once for each level of nesting, three times at most


def test_what_a_stack_may_have_is_far_above_what_stacks_have(found: Tools, tmp_path: Path) -> None:
    """200 services of one file that extend a large one, with an env file each: nothing is refused."""
    base = "services:\n  base:\n    image: app\n    env_file: [common.env]\n    environment:\n"
    base += "".join(f"      V{i}: value-{i}\n" for i in range(60))
    text = "services:\n" + "".join(
        f"  s{i}: {{extends: {{file: base.yaml, service: base}}, environment: {{N: '{i}'}}}}\n" for i in range(200)
    )
    files = {"base.yaml": base, "common.env": "".join(f"E{i}=1\n" for i in range(40))}
    checked = references(stack_of("web", compose=text, **files))
    assert checked.problems == ()
    assert sum(reading.size for reading in checked.readings) * 20 < MOST_VALUES
    (objects,) = compile_stacks([stack_of("web", compose=text, **files)], cache=tmp_path).objects
    assert len(objects.services) == 200
    assert len(objects.services[0]["TaskTemplate"]["ContainerSpec"]["Env"]) == 101


def test_what_the_client_gets_is_in_a_folder_of_its_own(
    found: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file that it is given is one that we wrote: none has a byte of the pusher's layout in it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("deployer.compose.compiler.shutil.rmtree", lambda *_args, **_options: None)
    files = {
        "compose": "# a comment\ninclude: [part.yaml]\nservices:\n  web: {image: app, env_file: [web.env], labels: {a: 'b # c'}}\n",
        "part.yaml": "services:\n  part: {image: 'app:${TAG}'} # more\n",
        "web.env": "# secret\nA=1 # why\n",
        ".env": "TAG=5 # six\n",
    }
    compile_stacks([stack_of("web", **files)], cache=tmp_path / "cache")
    (folder,) = [path for path in tmp_path.iterdir() if path.name.startswith("deployer-")]
    written = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert written.keys() == {"empty", "probe.json", "files/0.json", "files/1.json", "variables/0"}
    assert written["variables/0"] == 'A="1"\n'
    assert json.loads(written["files/1.json"]) == {"services": {"part": {"image": "app:5"}}}
    main = json.loads(written["files/0.json"])
    assert main["include"] == [{"path": [f"{folder}/files/1.json"]}]
    assert main["services"]["web"]["env_file"] == [f"{folder}/variables/0"]
