"""The folder with a cluster's certificates, and who is trusted by them. Without cryptography: it is asked every day."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.user_files import data_home

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITY: Final = "authority.pem"
"""The authority's key, its certificate, and those of the one before it while that is still trusted."""
TRUSTED, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"
"""docker's own names for what it looks for in DOCKER_CERT_PATH (docker/cli, cli/flags)."""
LARGEST: Final = 1 << 18
_BLOCK: Final = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def place(cluster: str) -> Path:
    """Outside git, in this user's own data: `deployer/tls/CLUSTER`."""
    return data_home() / "deployer" / "tls" / cluster


def read(path: Path) -> bytes | None:
    """A file of the folder; None where it is not there. Raises DeployerError where others may read it, or have put it there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DeployerError(f"{path}: {error.strerror}", help="certificates lie there as plain files") from None
    with os.fdopen(descriptor, "rb") as file:
        _own(path, os.fstat(descriptor))
        _own(path.parent, path.parent.stat())
        return file.read(LARGEST)


def _own(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise DeployerError(
            f"{path} belongs to somebody else", help="deployer believes its own user's certificates only"
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise DeployerError(f"{path} can be read by others", help=f"chmod go= {path}")


def fingerprints(pem: bytes) -> tuple[str, ...]:
    """SHA-256 of each certificate, in their order; what is none is left out."""
    found = []
    for block in _BLOCK.finditer(pem):
        try:
            found.append(hashlib.sha256(base64.b64decode(block[1])).hexdigest())
        except binascii.Error:
            continue
    return tuple(found)


def trusted(cluster: str) -> tuple[str, ...]:
    """Fingerprints of the authorities that this user trusts for the cluster, the present one first; empty without any."""
    return fingerprints(read(place(cluster) / TRUSTED) or b"")
