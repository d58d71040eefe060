"""Stacks with encrypted files, by the real sops, the real age and Docker's own tools: compiled without a key, opened with one."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.compose import compile_stacks, open_stacks
from deployer.compose.compiler import compile_stack
from deployer.errors import InvalidFilesError
from deployer.model.secret import Secret, revealed
from deployer.model.stack import StackSettings
from tests.encrypted.conftest import Keys, make_keys, only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.compose.tools import Tools
    from deployer.model.stack import StackObjects, StackSource

    MakeStack = Callable[..., StackSource]

CANARY = "canary-geheim"
APP = """\
services:
  web:
    image: app:1
    command: [serve, --dsn, "postgres://app:${DB_PASSWORD}@db/x"]
    env_file: web.env
    environment: {MODE: prod, TOKEN: mine}
    configs: [site]
    secrets: [key, dsn]
configs:
  site: {file: site.yaml}
secrets:
  key: {file: tls.key}
  dsn: {environment: DB_PASSWORD}
"""
PLAIN = {
    "compose": APP,
    ".env": f"DB_PASSWORD={CANARY}-1\n",
    "web.env": f'API_KEY={CANARY}-2\nTOKEN={CANARY}-3\nQUOTED="a b"\nCLEAR_unencrypted=seen\n',
    "site.yaml": f"password: {CANARY}-4\n",
    "tls.key": f"{CANARY}-5\n",
}


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Keys:
    made = make_keys(tmp_path_factory.mktemp("keys"))
    only(made.home, monkeypatch)
    return made


def encrypted(keys: Keys) -> dict[str, str | bytes]:
    return {
        "compose": APP,
        **{name: keys.encrypt(name.lstrip(".") + "x.env", PLAIN[name]) for name in (".env", "web.env")},
        "site.yaml": keys.encrypt("site.yaml", PLAIN["site.yaml"]),
        "tls.key": keys.age(PLAIN["tls.key"]),
    }


def compiled(stack: StackSource, cache: Path) -> StackObjects:
    (one,) = compile_stacks([stack], cache=cache).objects
    return one


def opened(stack: StackSource, cache: Path) -> StackObjects:
    (one,) = open_stacks([stack], [compiled(stack, cache)], cache)
    return one


def container(one: StackObjects) -> dict[str, Any]:
    found: dict[str, Any] = one.services[0]["TaskTemplate"]["ContainerSpec"]
    return found


def test_it_becomes_what_the_same_files_in_the_clear_become(
    found: Tools, stack: MakeStack, keys: Keys, tmp_path: Path
) -> None:
    secret, plain = opened(stack("web", **encrypted(keys)), tmp_path), compiled(stack("web", **PLAIN), tmp_path)
    ours, theirs = container(secret), container(plain)
    assert sorted(revealed(ours["Env"])) == sorted(theirs["Env"])
    assert revealed(ours["Args"]) == theirs["Args"]
    assert revealed(secret.secrets) == revealed(plain.secrets)  # names too: to encrypt a file rotates nothing
    assert [one["SecretName"] for one in ours["Secrets"]] == [one["SecretName"] for one in theirs["Secrets"]]
    (config,) = secret.configs
    assert base64.b64decode(revealed(config["Data"])) == f"password: {CANARY}-4\n".encode()
    assert ours["Configs"][0]["ConfigName"] == config["Name"]


def test_only_what_was_encrypted_is_a_secret(found: Tools, stack: MakeStack, keys: Keys, tmp_path: Path) -> None:
    one = opened(stack("web", **encrypted(keys)), tmp_path)
    shown = container(one)["Env"]
    assert {str(entry) for entry in shown if not isinstance(entry, Secret)} == {
        "CLEAR_unencrypted=seen",
        "MODE=prod",
        "TOKEN=mine",
    }
    assert isinstance(one.configs[0]["Data"], Secret)
    assert CANARY not in repr(one)


def test_it_compiles_without_a_key_and_nothing_of_it_is_in_the_cache(
    found: Tools, stack: MakeStack, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = encrypted(keys)
    source = stack("web", **files)
    with_key = opened(source, tmp_path / "cache")
    kept = [file.read_text() for file in (tmp_path / "cache").iterdir()]
    assert max(map(len, kept)) > 1000
    assert CANARY not in "".join(kept)
    assert revealed(opened(source, tmp_path / "cache").services) == revealed(with_key.services)  # out of the cache
    only(tmp_path, monkeypatch)
    assert compiled(source, tmp_path / "other").sealed_contents
    with pytest.raises(InvalidFilesError) as caught:
        opened(source, tmp_path / "other")
    told = {problem.path: problem.message for problem in caught.value.problems}
    assert set(told) == {f"stacks/web/{name}" for name in files if name != "compose"}
    assert all("there is no key here" in message for message in told.values())


def test_names_are_found_again_without_the_slow_hash(
    found: Tools, stack: MakeStack, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "services: {web: {image: app, secrets: [a]}}\nsecrets: {a: {file: a.age}}"
    source = stack("web", compose=text, **{"a.age": keys.age(CANARY)})
    first = opened(source, tmp_path)
    monkeypatch.setattr("deployer.compose.contents.hashlib.scrypt", None)
    assert opened(source, tmp_path).secrets[0]["Name"] == first.secrets[0]["Name"]
    with pytest.raises(TypeError):
        opened(stack("web", compose=text, **{"a.age": keys.age(CANARY)}), tmp_path)
    assert CANARY not in "".join(file.read_text() for file in tmp_path.iterdir())


def test_to_encrypt_the_same_text_again_changes_nothing(
    found: Tools, stack: MakeStack, keys: Keys, tmp_path: Path
) -> None:
    first, second = encrypted(keys), encrypted(keys)
    assert all(first[name] != second[name] for name in first if name != "compose")
    one, other = (opened(stack("web", **files), tmp_path) for files in (first, second))
    assert revealed(one.services) == revealed(other.services)
    assert revealed(one.configs) == revealed(other.configs)
    assert revealed(one.secrets) == revealed(other.secrets)


def test_no_tool_sees_what_is_encrypted(
    found: Tools, stack: MakeStack, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is written while it compiles is kept here and looked through."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("deployer.compose.compiler.shutil.rmtree", lambda *_args, **_options: None)
    compile_stack(stack("web", **encrypted(keys)), found, {})
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) >= 4
    assert [file for file in written if CANARY.encode() in file.read_bytes()] == []


def test_an_env_file_that_hides_its_names_is_known_only_with_a_key(
    found: Tools, stack: MakeStack, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "services: {web: {image: app, env_file: [first.env, a.env, last.env], environment: {B: own}}}"
    files = {"compose": text, "first.env": "A=first\n", "last.env": "C=last\n"}
    source = stack("web", **files, **{"a.env": keys.age("A='$1'\nB=2\nC=3\nD=4\n")})
    assert sorted(revealed(container(opened(source, tmp_path))["Env"])) == ["A=$1", "B=own", "C=last", "D=4"]
    only(tmp_path, monkeypatch)
    *own, mark = sorted(container(compiled(source, tmp_path))["Env"])
    assert own == ["A=first", "B=own", "C=last"]
    assert mark.startswith("ENCRYPTED_FILE_"), "it is not deployed without the others"
    with pytest.raises(InvalidFilesError) as caught:
        opened(source, tmp_path)
    assert [problem.path for problem in caught.value.problems] == [f"{source.root}/a.env"]


@pytest.mark.parametrize("key", ["env_file", "label_file"])
def test_one_that_cannot_be_read_is_named_and_not_left_out(
    found: Tools, stack: MakeStack, keys: Keys, tmp_path: Path, key: str
) -> None:
    compose = f"services: {{web: {{image: app, {key}: a.env}}}}"
    source = stack("web", compose=compose, **{"a.env": keys.age('A=1\nB="unclosed\n')})
    with pytest.raises(InvalidFilesError) as caught:
        opened(source, tmp_path)
    assert f"{source.root}/a.env" in {problem.path for problem in caught.value.problems} or key == "label_file"


def test_a_project_of_compose_mode_with_an_encrypted_env_file_is_refused(
    found: Tools, stack: MakeStack, keys: Keys
) -> None:
    settings = StackSettings(mode="compose", node="m1")
    source = stack("web", compose="services: {web: {image: app, env_file: a.env}}", **{"a.env": keys.age("B=1\n")})
    outcome = compile_stack(replace(source, settings=settings), found, {"a.env": ("B",)})
    assert outcome.objects is None
    assert any("which `mode: compose` does not open" in problem.message for problem in outcome.problems)


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {image: 'app:${SECRET}'}}",
        "services: {web: {image: app, labels: {a: '${SECRET}'}}}",
        "services: {web: {image: app, deploy: {labels: {a: '${SECRET}'}}}}",
        "services: {web: {image: app, networks: [a]}}\nnetworks: {a: {name: '${SECRET}'}}",
    ],
)
def test_an_encrypted_value_may_not_stand_where_it_is_seen(
    found: Tools, stack: MakeStack, keys: Keys, text: str
) -> None:
    source = stack("web", compose=text, **{".env": keys.encrypt("x.env", "SECRET=geheim\n")})
    outcome = compile_stack(source, found)
    assert outcome.objects is None
    assert [problem.path for problem in outcome.problems if "encrypted value" in problem.message] == [source.path]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A=x$y\n", "line 1: the value of A has a '$'"),
        ("", "0 bytes"),
        ("x" * (500 << 10), "512000 bytes"),
    ],
    ids=["dollar", "empty", "large"],
)
def test_what_is_wrong_inside_is_said_before_anything_is_asked(
    found: Tools, stack: MakeStack, keys: Keys, tmp_path: Path, text: str, message: str
) -> None:
    compose = "services: {web: {image: app, env_file: a.env, secrets: [a]}}\nsecrets: {a: {file: a.bin}}"
    name = "a.env" if "$" in text else "a.bin"
    fine = {"a.env": keys.encrypt("a.env", "A=1\n"), "a.bin": keys.age("x")}
    wrong = keys.encrypt("a.env", text) if "$" in text else keys.age(text)
    source = stack("web", compose=compose, **fine | {name: wrong})
    with pytest.raises(InvalidFilesError) as caught:
        opened(source, tmp_path)
    assert [problem.path for problem in caught.value.problems] == [f"stacks/web/{name}"]
    assert message in caught.value.problems[0].message
    assert "x$y" not in caught.value.problems[0].message


def test_a_damaged_file_is_a_problem_of_validation(found: Tools, stack: MakeStack, keys: Keys, tmp_path: Path) -> None:
    files = encrypted(keys)
    assert isinstance(files["site.yaml"], bytes)
    files["site.yaml"] = b"late: in the clear\n" + files["site.yaml"]
    with pytest.raises(InvalidFilesError) as caught:
        compiled(stack("web", **files), tmp_path)
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == ("stacks/web/site.yaml", 1)
