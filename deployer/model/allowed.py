"""What the files of a run may name on the machine that deploys. Pure.

An operator's own run may name anything: EVERYTHING. What other people push may name what the receiving repository's own
git configuration lists, `deployer.allow`, and nothing else.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deployer.model.here import Here

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTING: Final = "deployer.allow"
LOCAL: Final = "local"
SUDO_PASSWORD: Final = "sudo-password"  # noqa: S105 - a word of the setting, no password
PGP: Final = "pgp"
DAEMON: Final = "engine.daemon."
PROFILE: Final = "aws-profile:"
REGISTRY: Final = "registry:"

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]{1,255}){0,16})/?"
)
_KEY_ID: Final = re.compile(
    r"arn:[A-Za-z0-9:/_+=,.@-]{1,1000}"  # AWS: a key, an alias, or a role
    r"|projects/[A-Za-z0-9:/_.-]{1,1000}"  # GCP
    r"|[a-z]{2,8}(?:-[a-z]{1,20}){1,3}-[0-9]{1,4}:[A-Za-z0-9-]{1,128}"  # Huawei Cloud: REGION:ID
)
_PROFILE: Final = re.compile(r"aws-profile:[A-Za-z0-9._@-]{1,128}")
_DAEMON: Final = re.compile(r"engine\.daemon\.[A-Za-z0-9-]{1,64}")
_REGISTRY: Final = re.compile(r"registry:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?")
_PORTS: Final = {"http": "80", "https": "443"}


@dataclass(frozen=True)
class Allowed:
    """`files` are full paths, `services` addresses and key ids of key services, `daemon` keys of daemon.json, `registries` hosts.

    `home` is what `~` stands for. `command` is what adds an entry, up to the entry itself, and `where` says in which
    repository; both are for messages.
    """

    everything: bool = False
    local: bool = False
    sudo_password: bool = False
    files: frozenset[str] = frozenset()
    services: tuple[str, ...] = ()
    daemon: frozenset[str] = frozenset()
    registries: frozenset[str] = frozenset()
    here: Here = field(default=Here(), repr=False)
    home: str = ""
    command: str = f"git config --add {SETTING}"
    where: str = "in the repository that is pushed to"

    def may_reach(self, address: str) -> bool:
        """Whether a machine may have this address: it is another machine, or this one is allowed."""
        return self.everything or self.local or not self.here.has_name(address)

    def may_read(self, name: str) -> bool:
        """Whether a file may be read that is named like this."""
        path = full_path(name, self.home)
        return self.everything or (bool(path) and path in self.files)

    def may_ask(self, need: str) -> bool:
        """Whether a key service may be asked: `need` is its address with the key's path, or the key's id."""
        return self.everything or any(_covers(entry, need) for entry in self.services)

    def may_set(self, key: str) -> bool:
        """Whether this key of daemon.json may be set."""
        return self.everything or key in self.daemon

    def may_log_in(self, registry: str) -> bool:
        """Whether machines may be given this account's credentials for a registry, `docker.io` or `HOST:PORT`."""
        return self.everything or registry in self.registries

    @property
    def may_give_sudo_password(self) -> bool:
        return self.everything or self.sudo_password

    def advice(self, entry: str) -> str:
        """What lets it in, as one line that can be typed as it is."""
        return f"whoever keeps that machine lets it in, {self.where}: {self.command} {shlex.quote(entry)}"


EVERYTHING: Final = Allowed(everything=True)


def full_path(name: str, home: str) -> str:
    """The path that a name in a file stands for; empty where it depends on where one stands."""
    path = f"{home}{name[1:]}" if name.startswith("~/") and home.startswith("/") else name
    return path if path.startswith("/") and path.isprintable() else ""


def read_allowed(entries: Iterable[str], base: Allowed) -> tuple[Allowed, tuple[str, ...]]:
    """`base` with the entries of `deployer.allow`, and those of them that are none."""
    words: set[str] = set()
    files: set[str] = set()
    services: list[str] = []
    daemon: set[str] = set()
    registries: set[str] = set()
    wrong: list[str] = []
    for entry in entries:
        path = full_path(entry, base.home)
        if entry in {LOCAL, SUDO_PASSWORD}:
            words.add(entry)
        elif path:
            files.add(path)
        elif entry == PGP or any(pattern.fullmatch(entry) for pattern in (_URL, _PROFILE, _KEY_ID)):
            services.append(entry)
        elif _DAEMON.fullmatch(entry):
            daemon.add(entry.removeprefix(DAEMON))
        elif _REGISTRY.fullmatch(entry):
            registries.add(entry.removeprefix(REGISTRY))
        else:
            wrong.append(entry)
    found = Allowed(
        everything=base.everything,
        local=LOCAL in words,
        sudo_password=SUDO_PASSWORD in words,
        files=frozenset(files),
        services=tuple(services),
        daemon=frozenset(daemon),
        registries=frozenset(registries),
        here=base.here,
        home=base.home,
        command=base.command,
        where=base.where,
    )
    return found, tuple(wrong)


def plain_address(text: str) -> bool:
    """Whether it is an address that everybody reads alike: scheme, host, port, plain path."""
    return _URL.fullmatch(text) is not None


def plain_key(text: str) -> bool:
    """Whether it is the id of a key, or of a role, and nothing else."""
    return _KEY_ID.fullmatch(text) is not None


def _covers(entry: str, need: str) -> bool:
    """An address covers what lies below its path; everything else is the same word."""
    if entry == need:
        return True
    if not (plain_address(entry) and plain_address(need)):
        return False
    one, other = _place(entry), _place(need)
    return one[:3] == other[:3] and other[3][: len(one[3])] == one[3]


def _place(url: str) -> tuple[str, str, int, list[str]]:
    """Scheme, host, port and the steps of the path of a plain address."""
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(url)
    scheme, host, port, path = found.group("scheme", "host", "port", "path")
    return scheme, host.lower(), int(port or _PORTS[scheme]), [step for step in path.split("/") if step]
