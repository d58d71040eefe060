"""The `sops` program in a cage: it reads the credentials for the kinds of keys that it is to ask, and nothing else of its user's.

Whom it may ask is decided before. What it is given is decided here: a file for Vault opens no ~/.aws, and none opens anything else.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from deployer.cage.children import run_caged
from deployer.cage.rules import Limits, Rules
from deployer.encrypted.key_kinds import KINDS, LOCAL, STARTING
from deployer.user_files import config_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from deployer.cage.children import Ended
    from deployer.model.allowed import Allowed

LIMITS: Final = Limits(seconds=60, cpu=60)
PROCESSES: Final = 32
"""gpg and what it starts, credential programs of cloud services."""
_AGENT_SECONDS: Final = 20
_ALWAYS: Final = re.compile(r"PATH|HOME|USER|LOGNAME|TMPDIR|TZ")
_NETWORK: Final = re.compile(r"(?i:https?_proxy|no_proxy)|SSL_CERT_(FILE|DIR)")


def decrypt_caged(argv: Sequence[str], environment: Mapping[str, str], stdin: bytes) -> Ended:
    """Run it on a file of others: no file but its own, no network, no other program."""
    return run_caged(argv, rules=Rules(limits=LIMITS), environment=environment, stdin=stdin)


def run_sops(argv: Sequence[str], *, kinds: Iterable[str], folder: Path, environment: Mapping[str, str]) -> Ended:
    """Run it in `folder`, which is private and may be written, for keys of these kinds."""
    asked = [kind for kind in KINDS if kind in {*kinds, "age"}]
    return run_caged(argv, rules=rules(asked, folder, environment), environment=environment, folder=folder)


def rules(kinds: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Rules:
    home = environment.get("HOME") or "/nonexistent"
    configuration = config_home(environment)
    read = [f"{home}/{place}" for kind in kinds for place in KINDS[kind].home]
    read += [f"{configuration}/{place}" for place in ("sops/age", "deployer/age.txt") if "age" in kinds]
    read += [environment[name] for kind in kinds for name in KINDS[kind].named if environment.get(name)]
    pgp = "pgp" in kinds
    programs = [] if STARTING.isdisjoint(kinds) else environment.get("PATH", os.defpath).split(os.pathsep)
    return Rules(
        run=tuple(program for program in programs if program.startswith("/")),
        read=tuple(read),
        write=(folder, *([environment.get("GNUPGHOME") or f"{home}/.gnupg"] if pgp else [])),
        sockets=_agents(environment) if pgp else (),
        tcp=not LOCAL.issuperset(kinds),
        processes=PROCESSES if programs else 0,
        limits=LIMITS,
    )


def environment(
    kinds: Iterable[str], addresses: Iterable[str], allowed: Allowed, whole: Mapping[str, str]
) -> dict[str, str]:
    """What sops gets of the environment: an operator's own run all of it, others what these kinds of keys take."""
    if allowed.everything:
        return dict(whole)
    patterns = [_ALWAYS, *(KINDS[kind].variables for kind in kinds)]
    if not LOCAL.issuperset(kinds):
        patterns.append(_NETWORK)
    kept = {name: value for name, value in whole.items() if any(pattern.fullmatch(name) for pattern in patterns)}
    # sops 3.12 and later keep to it themselves.
    return kept | {"LC_ALL": "C.UTF-8", "SOPS_HC_VAULT_ALLOWLIST": ",".join(sorted(addresses)) or "none"}


def _agents(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The socket of gpg's agent, which has the private keys. It is started here, where there is none: it stays, as a caged one may not."""
    program = shutil.which("gpgconf", path=environment.get("PATH"))
    if program is None:
        return ()
    found = []
    for arguments in (("--launch", "gpg-agent"), ("--list-dirs", "agent-socket")):
        try:
            done = subprocess.run(
                (program, *arguments),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_AGENT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ()
        found.append(os.fsdecode(done.stdout).strip())
    return (found[1],)
