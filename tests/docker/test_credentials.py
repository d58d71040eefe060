"""Credentials from Docker's own config, and from real helper programs."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from deployer.docker import credentials
from deployer.docker.credentials import Credentials
from deployer.errors import DeployerError, TimedOutError
from deployer.model.allowed import Allowed, read_allowed
from tests.fakes import run
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from pathlib import Path

HUB = "https://index.docker.io/v1/"
BASIC = base64.b64encode(b"ann:s3:cret").decode()


def asked(folder: Path, config: Any, *images: str) -> list[Any]:
    """What each image's registry is told."""
    file = folder / "config.json"
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    found = Credentials(file)

    async def ask() -> list[dict[str, str]]:
        return list(await asyncio.gather(*map(found.headers, images)))

    return [json.loads(base64.urlsafe_b64decode(one["X-Registry-Auth"])) if one else None for one in run(ask())]


def test_whoever_names_the_machines_gets_no_credentials_that_were_not_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A push names the machine that asks the registry: the account's password would go to the pusher. No helper is started either."""
    ran = tmp_path / "ran"
    helper(tmp_path, monkeypatch, f"touch {ran}; exit 1")
    config = {
        "auths": {"r.example": {"auth": BASIC}, "s.example": {"auth": BASIC}},
        "credHelpers": {"t.example": "test"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    allowed, wrong = read_allowed(("registry:s.example",), Allowed())
    assert wrong == ()
    pushed = Credentials(tmp_path / "config.json", allowed)
    assert run(pushed.headers("r.example/app")) == run(pushed.headers("t.example/app")) == {}
    assert run(pushed.of(["r.example/app", "t.example/app"])) == {}
    assert not ran.exists()
    assert run(pushed.headers("s.example/app")) != {}
    assert "git config --add deployer.allow registry:r.example" in pushed.advice("r.example/app")
    assert pushed.advice("s.example/app") == ""


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, name: str = "test") -> Path:
    program = folder / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return program


@pytest.mark.parametrize("key", ["r.example:5000", "https://r.example:5000", "http://r.example:5000/v1/"])
def test_an_entry_of_the_file(tmp_path: Path, key: str) -> None:
    told = asked(tmp_path, {"auths": {key: {"auth": BASIC}}}, "r.example:5000/a/b:1", "r.example/a", "nginx")
    assert told == [{"username": "ann", "password": "s3:cret", "serveraddress": "r.example:5000"}, None, None]


def test_docker_hub_stands_under_its_old_address(tmp_path: Path) -> None:
    for key in (HUB, "index.docker.io"):
        told = asked(tmp_path, {"auths": {key: {"auth": BASIC}}}, "nginx", "docker.io/library/nginx:1", "a.b/c")
        assert told == [*[{"username": "ann", "password": "s3:cret", "serveraddress": HUB}] * 2, None]


def test_tokens_and_plain_entries(tmp_path: Path) -> None:
    auths = {
        "a.b": {"identitytoken": "t", "auth": BASIC},
        "c.d": {"username": "u", "password": "p"},
        "e.f": {},
        "g.h": 3,
    }
    assert asked(tmp_path, {"auths": auths}, "a.b/x", "c.d/x", "e.f/x", "g.h/x") == [
        {"identitytoken": "t", "serveraddress": "a.b"},
        {"username": "u", "password": "p", "serveraddress": "c.d"},
        None,
        None,
    ]


def test_a_helper_is_asked_by_standard_input_and_once_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = '{"ServerURL":"x","Username":"ann","Secret":"s"}'
    helper(tmp_path, monkeypatch, f"echo \"$*:$(cat)\" >> {tmp_path}/log; echo '{answer}'")
    config = {"auths": {"a.b": {}}, "credsStore": "test"}
    told = asked(tmp_path, config, "a.b/x", "a.b/y", "nginx")
    assert [one["serveraddress"] for one in told] == ["a.b", "a.b", HUB]
    assert told[0] | {"serveraddress": ""} == {"username": "ann", "password": "s", "serveraddress": ""}
    assert sorted((tmp_path / "log").read_text().splitlines()) == ["get:a.b", f"get:{HUB}"]


def test_a_registrys_own_helper_comes_first_and_may_give_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, "cat >/dev/null; echo credentials not found in native keychain; exit 1", "none")
    helper(tmp_path, monkeypatch, """cat >/dev/null; echo '{"Username":"<token>","Secret":"t"}'""")
    told = asked(tmp_path, {"credHelpers": {"a.b": "test"}, "credsStore": "none"}, "a.b/x", "c.d/x")
    assert told == [{"identitytoken": "t", "serveraddress": "a.b"}, None]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("cat >/dev/null; echo s3cret; exit 1", "docker-credential-test failed for a.b with status 1"),
        ("cat >/dev/null; echo s3cret", "docker-credential-test does not answer as a credential helper does"),
        ("sleep 600", "`docker-credential-test` took longer than 0.2 s"),
    ],
)
def test_a_helper_that_fails_is_named_and_what_it_said_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: str
) -> None:
    monkeypatch.setattr(credentials, "HELPER_SECONDS", 0.2 if "sleep" in script else GENEROUS)
    helper(tmp_path, monkeypatch, script)
    with pytest.raises((DeployerError, TimedOutError)) as refused:
        asked(tmp_path, {"credsStore": "test"}, "a.b/x")
    assert refused.value.message == error
    assert "s3cret" not in refused.value.message + refused.value.help


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"credsStore": "nowhere"}, "docker-credential-nowhere, which the Docker config names, cannot be started"),
        ({"credsStore": "../x"}, "the Docker config names a credential helper '../x'"),
        ("{", "config.json is no JSON"),
    ],
)
def test_a_config_that_cannot_be_followed(tmp_path: Path, config: Any, error: str) -> None:
    with pytest.raises(DeployerError) as refused:
        asked(tmp_path, config, "a.b/x")
    assert error in refused.value.message


def test_without_a_config_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    assert run(Credentials().headers("a.b/x")) == {}
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert credentials.default_path() == tmp_path / ".docker/config.json"


def test_they_are_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"auths": {"a.b": {"auth": BASIC}}}))
    found = Credentials(file)

    async def shown() -> str:
        header = (await found.headers("a.b/x"))["X-Registry-Auth"]
        return f"{found._asked} {[task.result() for task in found._asked.values()]}".replace(header, "LEAKED")

    assert "LEAKED" not in run(shown())
