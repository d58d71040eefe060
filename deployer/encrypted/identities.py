"""The private keys of whoever runs deployer: age's own, and SSH keys, which age takes too. Read once, kept in memory.

Where they are looked for is where sops looks (age/keysource.go), and ~/.config/deployer/age.txt. What sops would start a
program for (SOPS_AGE_KEY_CMD) is left to it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST: Final = 1 << 16
SSH_KEYS: Final = ("id_ed25519", "id_rsa")
_PREFIX: Final = "AGE-SECRET-KEY-"


@dataclass(frozen=True, repr=False)
class Identities:
    """`found` are pyrage's identities; `public` the recipients that they are, where that can be told; `places` where they were."""

    found: tuple[Any, ...]
    public: frozenset[str]
    places: tuple[str, ...]


def read_identities(environment: Mapping[str, str] = os.environ) -> Identities:
    """All keys that there are; a file that cannot be read, or a key with a passphrase, counts as none."""
    import pyrage  # noqa: PLC0415 - only where something is encrypted

    found: list[Any] = []
    public: set[str] = set()
    places: list[str] = []
    for place, text in _texts(environment):
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
    return Identities(tuple(found), frozenset(public), tuple(places))


def _texts(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if environment.get("SOPS_AGE_KEY"):
        yield "SOPS_AGE_KEY", environment["SOPS_AGE_KEY"].replace(" ", "\n")
    for path in _paths(environment):
        try:
            with path.open("rb") as file:
                yield str(path), file.read(LARGEST).decode()
        except (OSError, UnicodeDecodeError):
            continue


def _paths(environment: Mapping[str, str]) -> Iterator[Path]:
    for name in ("SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"):
        if environment.get(name):
            yield Path(environment[name])
    home = environment.get("HOME") or ""
    if not home.startswith("/"):
        return
    settings = environment.get("XDG_CONFIG_HOME") or ""
    folder = Path(settings) if settings.startswith("/") else Path(home, ".config")
    yield folder / "sops" / "age" / "keys.txt"
    yield folder / "deployer" / "age.txt"
    yield from (Path(home, ".ssh", name) for name in SSH_KEYS)
