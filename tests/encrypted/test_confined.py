"""The sops program in its cage: it opens what it is for, and finds no other credentials."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from deployer.cage import kernel
from deployer.encrypted.confined import rules, run_sops
from deployer.encrypted.opener import Opener
from deployer.model.allowed import EVERYTHING
from tests.encrypted.conftest import SOPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.encrypted.conftest import Keys

GPG = shutil.which("gpg")
pytestmark = pytest.mark.skipif(not kernel.look().confines, reason="this kernel cannot confine a program")
PROBE = """
import os, sys
for path in sys.argv[1:]:
    try:
        print(path, open(path).read().strip())
    except OSError as error:
        print(path, error.strerror)
"""


@pytest.fixture
def pgp(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A key of GnuPG's own, in a home of its own; its path is short, as gpg's agent has a socket there."""
    if GPG is None:
        pytest.skip("GnuPG is not installed")
    home = tempfile.mkdtemp(prefix="gpg-", dir="/tmp")
    monkeypatch.setenv("GNUPGHOME", home)
    monkeypatch.setenv("PATH", f"{Path(SOPS).parent}:/usr/bin:/bin")
    make = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "test@example.org", "default", "default"]
    subprocess.run(make, check=True, capture_output=True)
    listed = subprocess.run(["gpg", "--list-keys", "--with-colons"], check=True, capture_output=True, text=True).stdout
    yield next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
    subprocess.run(["gpgconf", "--kill", "all"], check=True, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


def test_a_file_for_a_gpg_key_is_opened_by_the_users_agent(pgp: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("password: s3cret\n")
    data = subprocess.run([SOPS, "--encrypt", "--pgp", pgp, str(file)], check=True, capture_output=True).stdout
    subprocess.run(
        ["gpgconf", "--kill", "all"], check=True, capture_output=True
    )  # it is started again where it is wanted
    assert yaml.safe_load(Opener().open("sops-yaml", data, EVERYTHING)) == {"password": "s3cret"}


def test_each_kind_of_key_sees_its_own_credentials_and_no_others(tmp_path: Path) -> None:
    places = {"hc_vault": ".vault-token", "kms": ".aws/credentials", "age": ".config/sops/age/keys.txt", "": ".netrc"}
    for place in places.values():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text("CANARY")
    paths = [str(tmp_path / place) for place in places.values()]
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or pytest.skip("no python3 of the system's")
    for kind in ("hc_vault", "kms", "age"):
        folder = tmp_path / f"private-{kind}"
        folder.mkdir()
        argv = [python, "-I", "-S", "-c", PROBE, *paths]
        ended = run_sops(argv, kinds=[kind], folder=folder, environment={"HOME": str(tmp_path)})
        seen = {
            path
            for path, _, said in (line.partition(" ") for line in ended.out.decode().splitlines())
            if said == "CANARY"
        }
        assert seen == {str(tmp_path / places[one]) for one in {kind, "age"}}, ended


def test_keys_on_this_machine_need_no_network(tmp_path: Path) -> None:
    assert [rules(kinds, tmp_path, {}).tcp for kinds in (["age"], ["age", "pgp"], ["age", "hc_vault"])] == [
        False,
        False,
        True,
    ]
