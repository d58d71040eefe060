"""Whose host keys count: the repository's where it knows the machine, else those of whoever runs this."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncssh

from deployer.model.allowed import EVERYTHING, LOCAL
from deployer.model.here import read_ip
from deployer.remote.connection import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.allowed import Allowed

    Keys = tuple[Sequence[asyncssh.SSHKey], Sequence[asyncssh.SSHKey], Sequence[asyncssh.SSHKey]]

REPOSITORY: Final = "cluster/known_hosts"
OWN: Final = "~/.ssh/known_hosts"


class HostKeys:
    """The keys that one machine may show. `listed` names the file that has one for it; empty where none has.

    Where this machine is not allowed, no key will do at one of its own addresses.
    """

    def __init__(self, address: str, repository: str, allowed: Allowed = EVERYTHING) -> None:
        self._address = address
        self._allowed = allowed
        self.here = False
        """Whether it was this machine's own address that answered."""
        self._own = asyncssh.SSHKnownHosts()
        try:
            self._repository = asyncssh.import_known_hosts(repository)
        except ValueError as error:
            raise ConnectionFailedError(f"{REPOSITORY} cannot be read: {error}") from None
        self.listed = ""

    def own_files(self, names: object) -> None:
        """Read the user's files: those that ssh_config names, or the usual one.

        None is what asyncssh makes of `UserKnownHostsFile none`, and it would then check nothing: here it means the usual one.
        """
        for name in names if isinstance(names, list) and names else [OWN]:
            path = Path(str(name)).expanduser()
            if path.is_file() and os.access(path, os.R_OK):
                try:
                    self._own.load(path.read_text("utf-8", "replace"))
                except ValueError as error:
                    raise ConnectionFailedError(f"{name} cannot be read: {error}") from None

    def match(self, host: str, address: str, port: int | None) -> Keys:
        """What asyncssh asks once the machine answers: (keys, authorities, revoked keys) for it.

        The repository names machines by what its node files say, whatever host name ssh_config makes of that. A key that
        either side has revoked is refused.
        """
        if self.is_here(address):
            self.here = True
            return (), (), ()
        keys, authorities, revoked, *_ = self._repository.match(self._address, address, port)
        own_keys, own_authorities, own_revoked, *_ = self._own.match(host, address, port)
        revoked = [*revoked, *own_revoked]
        if keys or authorities:
            self.listed = REPOSITORY
            return keys, authorities, revoked
        self.listed = OWN if own_keys or own_authorities else ""
        return own_keys, own_authorities, revoked

    def is_here(self, address: str) -> bool:
        """Whether that is an own address, and this machine is not allowed."""
        ip = read_ip(address) if address else None
        return ip is not None and not self._allowed.may_reach(str(ip))

    def refused_keys(self) -> list[asyncssh.SSHKey]:
        """What this machine's own SSH server shows, where this machine is not allowed: whatever name, proxy or forwarded
        port leads to it, it shows one of them.
        """
        found = []
        for text in sorted(self._allowed.here.host_keys) if not self._allowed.may_reach(LOCAL) else ():
            try:
                found.append(asyncssh.import_public_key(text))
            except asyncssh.KeyImportError:
                continue
        return found
