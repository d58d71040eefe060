"""A machine that is to be added in, the line of known_hosts that it gets out: shown as `ssh` shows it, and agreed to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.errors import GuardRefusedError, UsageError
from deployer.remote import NotLetInError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncssh

    from deployer.model.cluster import Node

    Agree = Callable[[str, "Shown"], bool]

with defer_imports():
    from deployer.remote import by_openssh, hostkeys, openssh, ssh


@dataclass(frozen=True)
class Shown:
    """A host key: `line` is what known_hosts gets, `fingerprint` is `SHA256:...`, `kind` such as ED25519.

    `vouched` names the file that knows the machine by this key already; empty where none does.
    """

    line: str
    fingerprint: str
    kind: str
    vouched: str


async def show(node: Node, known_hosts: str) -> Shown:
    """Ask the machine for its host key, without logging in.

    Raises ConnectionFailedError where it does not answer, NotLetInError where a file knows it by another key.
    """
    settled = await asyncio.to_thread(openssh.settings, node)
    host, port = openssh.place(node, settled)
    key = await _key(node)
    trust = hostkeys.HostKeys(node.address, known_hosts)
    trust.own_files(settled.get("userknownhostsfile", [""])[0].split())
    keys, authorities, revoked = trust.match(host, "", None if port == 22 else port)
    if key in revoked:
        raise NotLetInError(
            f"the host key of {node.address} is revoked", help="it is no key to believe: ask who runs it"
        )
    if trust.listed and key not in keys and not authorities:
        same = {one.algorithm for one in keys} & {key.algorithm}
        if same:
            raise NotLetInError(
                f"the host key of {node.address} is {key.get_fingerprint()}, and not the one in {trust.listed}: "
                "the machine was re-installed, or somebody listens in",
                help=f"if you know why, remove its line from {trust.listed}, then again",
            )
    vouched = trust.listed if key in keys or authorities else ""
    name = node.address if (node.ssh.port or 22) == 22 else f"[{node.address}]:{node.ssh.port}"
    return Shown(f"{name} {_public(key)}\n", key.get_fingerprint(), kind(key.algorithm.decode()), vouched)


async def _key(node: Node) -> asyncssh.SSHKey:
    if node.ssh.client == "openssh":
        from asyncssh import import_public_key  # noqa: PLC0415 - see above

        return import_public_key(await by_openssh.host_key(node))

    return await ssh.host_key(node)


def _public(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


def kind(algorithm: str) -> str:
    """`ssh-ed25519` -> ED25519, as ssh says it."""
    return {"ssh-rsa": "RSA", "ssh-ed25519": "ED25519"}.get(algorithm, "ECDSA" if "ecdsa" in algorithm else algorithm)


def agree(name: str, shown: Shown, *, fingerprint: str | None, yes: bool, ask: Agree | None) -> None:
    """Return where the key is to be believed: a file vouches for it, it is the one that was named, or somebody says so.

    Raises GuardRefusedError where it is another one or somebody says no, UsageError where nobody can be asked.
    """
    if fingerprint and shown.fingerprint not in fingerprint.split(","):
        raise GuardRefusedError(
            f"the {shown.kind} host key of {name} is {shown.fingerprint}, and not {fingerprint}",
            help="somebody listens in, or the fingerprint is another machine's; nothing was written",
        )
    if fingerprint or yes or shown.vouched:
        return
    if ask is None:
        raise UsageError(
            f"the {shown.kind} host key of {name} is {shown.fingerprint}: is it {name}'s?",
            help=f"`ssh-keygen -lf /etc/ssh/ssh_host_{shown.kind.lower()}_key.pub` there says; "
            f"then add --fingerprint {shown.fingerprint}",
        )
    if not ask(name, shown):
        raise GuardRefusedError(f"the host key of {name} is not believed: nothing was written")
