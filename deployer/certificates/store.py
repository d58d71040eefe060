"""The folder with a cluster's certificates: made where it is missing, renewed, turned over to another authority.

authority.pem alone counts, and is replaced as a whole; what docker reads beside it is made from it, so that a run that was
killed in between is finished by the next.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deployer.certificates import issue
from deployer.certificates.place import AUTHORITY, CERTIFICATE, KEY, TRUSTED, place, read
from deployer.errors import DeployerError
from deployer.model.secret import Secret
from deployer.user_files import create_private, write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EARLY: Final = timedelta(days=30)
"""So long before their end certificates are renewed, or warned of."""


class MissingError(DeployerError):
    """The folder lacks what docker needs."""


@dataclass(frozen=True)
class Authority:
    """`old`: trusted until the change to this one is finished; `cross`: this one, vouched for by that."""

    key: ec.EllipticCurvePrivateKey
    root: x509.Certificate
    old: tuple[x509.Certificate, ...] = ()
    cross: tuple[x509.Certificate, ...] = ()

    @property
    def bundle(self) -> bytes:
        """Who is trusted, this one first."""
        return b"".join(map(issue.pem, (self.root, *self.old)))

    @property
    def whole(self) -> bytes:
        return issue.key_pem(self.key) + self.bundle + b"".join(map(issue.pem, self.cross))


@dataclass(frozen=True)
class ServerFiles:
    """What a machine's engine gets."""

    trusted: str
    certificate: str
    key: Secret


def server_files(cluster: str, names: Sequence[str]) -> ServerFiles:
    """A new key and certificate for a machine; the key is kept nowhere else. Makes the cluster's authority where there is none."""
    authority, now = _prepared(cluster), datetime.now(UTC)
    key = issue.new_key()
    chain = (issue.server(names, key, authority.root, authority.key, now), *authority.cross)
    certificate = b"".join(map(issue.pem, chain))
    return ServerFiles(authority.bundle.decode(), certificate.decode(), Secret(issue.key_pem(key).decode()))


def client_folder(cluster: str) -> Path:
    """The folder for DOCKER_CERT_PATH; a client's certificate that is about to end is renewed. Raises DeployerError without one."""
    folder = place(cluster)
    if read(folder / AUTHORITY) is not None:
        _prepared(cluster)
    if any(read(folder / name) is None for name in (TRUSTED, CERTIFICATE, KEY)):
        raise MissingError(
            f"there are no certificates for cluster {cluster} in {folder}",
            help="`deployer apply` makes them; where somebody else has, copy that folder; or use SSH: --ssh",
        )
    return folder


def new_authority(cluster: str) -> None:
    """Another authority, vouched for by the present one, which stays trusted until `finish`."""
    old, now = _prepared(cluster), datetime.now(UTC)
    if old.old:
        raise DeployerError(
            "the last change of the authority is not finished", help="deployer machine regenerate-certs --finish"
        )
    key = issue.new_key()
    root = issue.root(cluster, key, now)
    made = Authority(key, root, (old.root,), (issue.crossed(root, old.root, old.key, now),))
    _replace(place(cluster) / AUTHORITY, made.whole)
    _prepared(cluster)


def finish(cluster: str) -> None:
    """The authority before the present one is trusted no more."""
    present = _prepared(cluster)
    _replace(place(cluster) / AUTHORITY, Authority(present.key, present.root).whole)
    _prepared(cluster)


def _prepared(cluster: str) -> Authority:
    """The authority, and beside it what docker reads, as it is to be."""
    folder = place(cluster)
    authority = _read(folder / AUTHORITY)
    if authority is None:
        if read(folder / TRUSTED) is not None:
            raise DeployerError(
                f"{folder} has a client's certificates alone, without the authority's key",
                help=f"whoever has {AUTHORITY} makes certificates for machines",
            )
        authority = _made(cluster, folder)
    if read(folder / TRUSTED) != authority.bundle:
        _replace(folder / TRUSTED, authority.bundle)
    if not _serves(folder, authority):
        key = issue.new_key()
        signed = issue.client(getpass.getuser(), key, authority.root, authority.key, datetime.now(UTC))
        (folder / CERTIFICATE).unlink(missing_ok=True)  # never one beside another's key
        _replace(folder / KEY, issue.key_pem(key))
        _replace(folder / CERTIFICATE, b"".join(map(issue.pem, (signed, *authority.cross))))
    return authority


def _made(cluster: str, folder: Path) -> Authority:
    key = issue.new_key()
    made = Authority(key, issue.root(cluster, key, datetime.now(UTC)))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        _write(folder / AUTHORITY, made.whole)
    except FileExistsError:
        found = _read(folder / AUTHORITY)  # another run was quicker
        assert found is not None
        return found
    except OSError as error:
        raise DeployerError(f"{folder}: {error.strerror}", help="certificates are kept there") from None
    return made


def _read(path: Path) -> Authority | None:
    data = read(path)
    if data is None:
        return None
    try:
        key = serialization.load_pem_private_key(data, None)
        certificates = x509.load_pem_x509_certificates(data)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("its key is not on an elliptic curve")  # noqa: TRY004, TRY301 - one message for all that is wrong with it
        own = [one for one in certificates if one.public_key() == key.public_key()]
        roots = [one for one in own if one.issuer == one.subject]
        others = tuple(one for one in certificates if one not in own)
        return Authority(key, roots[0], others, tuple(one for one in own if one not in roots))
    except (ValueError, TypeError, IndexError) as error:
        raise DeployerError(
            f"{path} is no authority: {error}", help="take it from where you copied it, or a backup"
        ) from None


def _serves(folder: Path, authority: Authority) -> bool:
    """Whether the client's certificate is there, of this authority, belongs to its key, and will do for a while."""
    certificate, key = read(folder / CERTIFICATE), read(folder / KEY)
    if certificate is None or key is None:
        return False
    try:
        found = x509.load_pem_x509_certificates(certificate)
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError):
        return False
    same = isinstance(private, ec.EllipticCurvePrivateKey) and found[0].public_key() == private.public_key()
    chained = found[0].issuer == authority.root.subject and tuple(found[1:]) == authority.cross
    return same and chained and found[0].not_valid_after_utc - datetime.now(UTC) > EARLY


def _write(path: Path, data: bytes) -> None:
    """A new file, this user's alone, complete before it has its name. Raises FileExistsError."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    create_private(temporary, data, lasting=True)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _replace(path: Path, data: bytes) -> None:
    """The same in the place of what may be there."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise DeployerError(f"{path}: {error.strerror}", help="certificates are kept there") from None
