"""How the OpenSSH client reaches a machine: with the same user, port, key and host keys as our own connections use.

What is not said in the repository comes from ~/.ssh/config, since it is `ssh` itself that reads it.
"""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.model.allowed import EVERYTHING
from deployer.startup import defer_imports
from deployer.user_files import cache_home, make_private_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deployer.model.allowed import Allowed
    from deployer.model.cluster import Node

    Settings = Mapping[str, list[str]]

with defer_imports():
    from deployer.remote import hostkeys

_SETTLE_SECONDS: Final = 10.0  # `Match exec` in ~/.ssh/config may run anything


@dataclass(frozen=True)
class Reach:
    """`destination` is what `ssh` is given, `options` are settings of ssh_config(5) that come before those of the user's file."""

    destination: str
    options: tuple[tuple[str, str], ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The options as `ssh`, `scp` and `sshfs` take them."""
        return tuple(word for key, value in self.options for word in ("-o", f"{key}={value}"))

    @property
    def files(self) -> tuple[str, ...]:
        """The files of ours that it needs."""
        return tuple(value.strip('"').replace("%%", "%") for key, value in self.options if key == "UserKnownHostsFile")

    @property
    def stanza(self) -> str:
        """The same as a part of an ssh_config file."""
        return "".join((f"Host {self.destination}\n", *(f"    {key} {value}\n" for key, value in self.options)))

    def without(self, key: str) -> Reach:
        return Reach(self.destination, tuple(pair for pair in self.options if pair[0] != key))


def config(ways: Iterable[Reach]) -> str:
    """The text of an ssh_config file with these machines; after them comes what the user's and the system's files say."""
    stanzas = "\n".join(way.stanza for way in ways)
    return f"{stanzas}\nMatch all\n    Include ~/.ssh/config\n    Include /etc/ssh/ssh_config\n"


def reach(node: Node, known_hosts: str, folder: Path | None = None, allowed: Allowed = EVERYTHING) -> Reach:
    """How `ssh` reaches the machine. `known_hosts` is the text of the repository's file; where it says nothing of this
    machine, the user's own files count, and `ssh` asks on a terminal. Host keys are kept in `folder`, by default a cache.
    Where this machine is not `allowed`, its own host keys are revoked.

    Raises ConnectionFailedError where a file of host keys cannot be read, DeployerError where there is no `ssh`.
    """
    options = [*_keys_of_host(node, known_hosts, folder or cache(), allowed)]
    if node.ssh.user:
        options.append(("User", node.ssh.user))
    if node.ssh.port:
        options.append(("Port", str(node.ssh.port)))
    if node.ssh.identity_file:
        options += [("IdentityFile", _word(node.ssh.identity_file)), ("IdentitiesOnly", "yes")]
    return Reach(node.address, (*options, ("ConnectTimeout", f"{max(1, round(node.ssh.connect_timeout))}")))


def _keys_of_host(node: Node, known_hosts: str, folder: Path, allowed: Allowed) -> Sequence[tuple[str, str]]:
    settled = settings(node)
    host, port = place(node, settled)
    trust = hostkeys.HostKeys(node.address, known_hosts, allowed)
    own = settled.get("userknownhostsfile", [""])[0].split()
    trust.own_files(own)
    keys, authorities, revoked = trust.match(host, "", None if port == 22 else port)
    refused = "".join(f"@revoked * {key.export_public_key().decode().strip()}\n" for key in trust.refused_keys())
    if trust.listed != hostkeys.REPOSITORY:
        files = " ".join(_word(name) for name in (str(_kept(folder, refused)), *own)) if refused else ""
        more = [("UserKnownHostsFile", files), ("UpdateHostKeys", "no")] if files else []
        return [("StrictHostKeyChecking", "ask"), *more]
    # A certificate names its host, so an alias will not do where there is an authority; else none is mistaken for another.
    name = (f"[{host}]:{port}" if port != 22 else host) if authorities else node.name
    marked = [*(("", key) for key in keys), *(("@cert-authority ", key) for key in authorities)]
    marked += [("@revoked ", key) for key in revoked]
    lines = (f"{mark}{name} {key.export_public_key().decode().strip()}\n" for mark, key in marked)
    return [
        ("StrictHostKeyChecking", "yes"),
        ("UserKnownHostsFile", _word(str(_kept(folder, "".join((*lines, refused)))))),
        ("GlobalKnownHostsFile", "/dev/null"),
        ("UpdateHostKeys", "no"),
        ("VerifyHostKeyDNS", "no"),
        ("CheckHostIP", "no"),
        *([] if authorities else [("HostKeyAlias", node.name)]),
    ]


def place(node: Node, settled: Settings) -> tuple[str, int]:
    """The host and port that `ssh` goes to."""
    return settled.get("hostname", [node.address])[0], int(settled.get("port", ["22"])[0])


def settings(node: Node) -> Settings:
    """What `ssh` makes of the user's ssh_config for this machine (`ssh -G`): each key's values."""
    given = (*(("-p", str(node.ssh.port)) if node.ssh.port else ()), *(("-l", node.ssh.user) if node.ssh.user else ()))
    argv = ("ssh", "-G", *given, "--", node.address)
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_SETTLE_SECONDS, check=False)
    except FileNotFoundError:
        raise no_ssh() from None
    except subprocess.TimeoutExpired:
        raise DeployerError("`ssh -G` did not end: ~/.ssh/config runs something that hangs") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise DeployerError(f"ssh cannot read its configuration: {said[-1] if said else 'it gives no reason'}")
    found: dict[str, list[str]] = {}
    for key, _, value in (line.partition(" ") for line in done.stdout.splitlines()):
        found.setdefault(key, []).append(value)
    return found


def known(node: Node, settled: Settings) -> bool:
    """Whether one of the user's own files has a key for the machine (`ssh-keygen -F`)."""
    host, port = place(node, settled)
    name = settled.get("hostkeyalias", [host if port == 22 else f"[{host}]:{port}"])[0]
    for key in ("userknownhostsfile", "globalknownhostsfile"):
        for path in settled.get(key, [""])[0].split():
            argv = ("ssh-keygen", "-F", name, "-f", str(Path(path).expanduser()))
            try:
                if subprocess.run(argv, capture_output=True, timeout=_SETTLE_SECONDS, check=False).stdout:
                    return True
            except (OSError, subprocess.TimeoutExpired):
                continue
    return False


def no_ssh() -> DeployerError:
    return DeployerError("there is no `ssh` on this machine", help="install OpenSSH's client")


def cache() -> Path:
    """Where files for `ssh` are kept."""
    return cache_home() / "deployer" / "ssh"


def _kept(folder: Path, text: str) -> Path:
    """A file with this text, named after it, that nobody else may write."""
    return keep(folder / hashlib.sha256(text.encode()).hexdigest()[:24], text)


def keep(path: Path, text: str) -> Path:
    """Write a file that is there whole or not at all, and holds this text whatever was there."""
    try:
        if not path.is_file() or path.read_text("utf-8", "replace") != text:
            make_private_folder(path.parent)
            write_whole(path, text.encode(), lasting=False)
    except OSError as error:
        raise DeployerError(f"{path} cannot be written: {error.strerror}", help="check its folder") from None
    return path


def _word(text: str) -> str:
    """One word of ssh_config(5), whatever is in it."""
    escaped = text.replace("%", "%%")
    return f'"{escaped}"' if " " in escaped else escaped
