"""What other people's files may name on this machine: from the configuration of the repository that they are pushed to."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.errors import UsageError
from deployer.model.allowed import EVERYTHING, SETTING, Allowed, read_allowed
from deployer.model.printable import printable
from deployer.remote.this_machine import this_machine
from deployer.source import refs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.source.git import Repository

KINDS = (
    "local, a full path, an address such as https://vault.example.org:8200, a KMS key's id, pgp, aws-profile:NAME, "
    "sudo-password, engine.daemon.KEY, registry:HOST"
)


def permission(repository: Repository | None, command: str = "", where: str = "") -> Allowed:
    """What `deployer.allow` lists there, and nothing where there is no repository. UsageError for an entry that is none.

    `command` and `where` are how messages name the setting, by default as for the repository that is pushed to.
    """
    home = os.environ.get("HOME", "")
    base = Allowed(here=this_machine(), home=home if home.startswith("/") else "")
    if command:
        base = replace(base, command=command, where=where)
    return _read(refs.every_setting(repository, SETTING) if repository is not None else (), base)


def check_entries(entries: Iterable[str]) -> None:
    """Raises UsageError for the first that cannot be an entry of `deployer.allow`."""
    home = os.environ.get("HOME", "")
    _read(entries, replace(EVERYTHING, home=home))


def _read(entries: Iterable[str], base: Allowed) -> Allowed:
    found, wrong = read_allowed(entries, base)
    if wrong:
        shown = printable(wrong[0])[:200]
        raise UsageError(f"{SETTING}: {shown!r} is nothing that could be allowed", help=f"it is one of: {KINDS}")
    return found
