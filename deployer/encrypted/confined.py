"""The `sops` program in a cage: it reads the credentials for the kinds of keys that it is to ask, and nothing else of its user's.

Whom it may ask is decided before. What it is given is decided here: a file for Vault opens no ~/.aws, and none opens anything else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from deployer.cage.children import run_caged
from deployer.cage.rules import Limits, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from deployer.cage.children import Ended

LIMITS: Final = Limits(seconds=60, cpu=60)
PROCESSES: Final = 32
"""gpg and what it starts, credential programs of cloud services."""
_AGENT_SECONDS: Final = 20
_HOME: Final[Mapping[str, tuple[str, ...]]] = {
    "age": (".config/sops/age", ".config/deployer/age.txt", ".ssh/id_ed25519", ".ssh/id_rsa"),
    "pgp": (".gnupg",),
    "kms": (".aws",),
    "gcp_kms": (".config/gcloud",),
    "azure_kv": (".azure",),
    "hc_vault": (".vault-token",),
    "hckms": (".huaweicloud",),
}
"""What lies in a home for each kind of key."""
_NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "age": ("SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"),
    "pgp": ("GNUPGHOME",),
    "kms": ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE"),
    "gcp_kms": ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG"),
    "azure_kv": ("AZURE_CONFIG_DIR", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"),
    "hc_vault": ("VAULT_CACERT", "VAULT_CAPATH", "VAULT_CLIENT_CERT", "VAULT_CLIENT_KEY"),
    "hckms": (),
}
"""Variables that name such files."""
_LOCAL: Final = frozenset({"age", "pgp"})
"""Kinds that ask nobody over a network."""


def decrypt_caged(argv: Sequence[str], environment: Mapping[str, str], stdin: bytes) -> Ended:
    """Run it on a file of others: no file but its own, no network, no other program."""
    return run_caged(argv, rules=Rules(limits=LIMITS), environment=environment, stdin=stdin)


def run_sops(argv: Sequence[str], *, kinds: Iterable[str], folder: Path, environment: Mapping[str, str]) -> Ended:
    """Run it in `folder`, which is private and may be written, for keys of these kinds (those of `FIELDS`, or of a file's section)."""
    asked = [kind for kind in _HOME if kind in {*kinds, "age"}]
    return run_caged(argv, rules=rules(asked, folder, environment), environment=environment, folder=folder)


def rules(kinds: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Rules:
    home = environment.get("HOME") or "/nonexistent"
    configuration = environment.get("XDG_CONFIG_HOME") or f"{home}/.config"
    read = [f"{home}/{place}" for kind in kinds for place in _HOME[kind]]
    read += [f"{configuration}/{place}" for place in ("sops/age", "deployer/age.txt") if "age" in kinds]
    read += [environment[name] for kind in kinds for name in _NAMED[kind] if environment.get(name)]
    pgp = "pgp" in kinds
    programs = environment.get("PATH", os.defpath).split(os.pathsep) if pgp or {"kms", "azure_kv"} & {*kinds} else []
    return Rules(
        run=tuple(program for program in programs if program.startswith("/")),
        read=tuple(read),
        write=(folder, *([environment.get("GNUPGHOME") or f"{home}/.gnupg"] if pgp else [])),
        sockets=_agents(environment) if pgp else (),
        tcp=not _LOCAL.issuperset(kinds),
        processes=PROCESSES if programs else 0,
        limits=LIMITS,
    )


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
