"""The private keys of whoever runs deployer: age's own, and SSH keys, which age takes too. Read once, kept in memory.

Where they are looked for is where sops looks (age/keysource.go), and ~/.config/deployer/age.txt. What sops would start a
program for (SOPS_AGE_KEY_CMD) is left to it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyrage

from deployer.remote.key_file import KeyFileError, read_key_file
from deployer.user_files import config_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST: Final = 1 << 16
SSH_KEYS: Final = ("id_ed25519", "id_rsa")
_PREFIX: Final = "AGE-SECRET-KEY-"


@dataclass(frozen=True, repr=False)
class Identities:
    """`found` are pyrage's identities; `public` the recipients that they are, where that can be told; `places` where they were.

    `unused` are files that are there and are not believed: others may read them, or they are no plain files.
    """

    found: tuple[Any, ...]
    public: frozenset[str]
    places: tuple[str, ...]
    unused: tuple[tuple[str, KeyFileError], ...] = ()


def read_identities(environment: Mapping[str, str] = os.environ) -> Identities:
    """All keys that there are; a file that cannot be read or that others can read counts as none, as does a key with a passphrase."""
    found: list[Any] = []
    public: set[str] = set()
    places: list[str] = []
    unused: list[tuple[str, KeyFileError]] = []
    for place, text in _texts(environment, unused):
        before = len(found)
        if "PRIVATE KEY-----" in text:
            try:
                found.append(pyrage.ssh.Identity.from_buffer(text.encode()))
            except pyrage.IdentityError:
                continue
        for word in (line.strip() for line in text.replace(",", "\n").splitlines()):
            if word.startswith(_PREFIX):
                try:
                    identity = pyrage.x25519.Identity.from_str(word)
                except pyrage.IdentityError:
                    continue
                found.append(identity)
                public.add(str(identity.to_public()))
        if len(found) > before:
            places.append(place)
    return Identities(tuple(found), frozenset(public), tuple(places), tuple(unused))


def _texts(environment: Mapping[str, str], unused: list[tuple[str, KeyFileError]]) -> Iterator[tuple[str, str]]:
    if environment.get("SOPS_AGE_KEY"):
        yield "SOPS_AGE_KEY", environment["SOPS_AGE_KEY"].replace(" ", "\n")
    for path in _paths(environment):
        try:
            yield str(path), read_key_file(path, LARGEST, follow=True).decode()
        except UnicodeDecodeError:
            continue
        except KeyFileError as error:
            if os.path.lexists(path):
                unused.append((str(path), error))


def _paths(environment: Mapping[str, str]) -> Iterator[Path]:
    for name in ("SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"):
        if environment.get(name):
            yield Path(environment[name])
    home = environment.get("HOME") or ""
    if not home.startswith("/"):
        return
    folder = config_home(environment)
    yield folder / "sops" / "age" / "keys.txt"
    yield folder / "deployer" / "age.txt"
    yield from (Path(home, ".ssh", name) for name in SSH_KEYS)
