"""Read the secrets that the consul section names, from files of the machine that runs deployer, never from git."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.certificates.place import trusted
from deployer.errors import DeployerError
from deployer.model.cluster import ConsulSecrets
from deployer.model.secret import Secret
from deployer.remote.key_file import KeyFileError, read_key_file

if TYPE_CHECKING:
    from deployer.model.allowed import Allowed
    from deployer.model.cluster import Cluster

UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
KEY_LENGTHS: Final = frozenset({16, 24, 32})
"""Bytes of a gossip key: AES-128, -192, -256 (hashicorp/memberlist, config.go)."""
LONGEST: Final = 4096
ROUNDS: Final = 100_000


def with_secrets(cluster: Cluster) -> Cluster:
    """The cluster with the secrets that its files name, and whose certificates this user believes. Raises DeployerError where one cannot be read or is none."""
    if any(node.tls for node in cluster.nodes):
        cluster = replace(cluster, authorities=trusted(cluster.name))
    section = cluster.consul
    if section is None or not (section.token_file or section.gossip_key_file):
        return cluster
    token = _read("consul.token_file", section.token_file, cluster.allowed)
    key = _read("consul.gossip_key_file", section.gossip_key_file, cluster.allowed)
    if token and not UUID.fullmatch(token.reveal()):
        raise DeployerError("consul.token_file: it holds no UUID", help=f"uuidgen > {section.token_file}")
    if key and not _is_key(key):
        raise DeployerError(
            "consul.gossip_key_file: it holds no key of 16, 24 or 32 bytes in base64",
            help=f"consul keygen > {section.gossip_key_file}, or head -c32 /dev/urandom | base64 > ...",
        )
    text = "\0".join(secret.reveal() if secret else "" for secret in (token, key))
    digest = hashlib.pbkdf2_hmac("sha256", text.encode(), f"deployer {cluster.name}".encode(), ROUNDS).hex()[:16]
    return replace(cluster, secrets=ConsulSecrets(token, key, digest))


def _read(setting: str, name: str | None, allowed: Allowed) -> Secret | None:
    """The file's text without the white space around it; others may not be able to read it, as with ssh's keys."""
    if name is None:
        return None
    if not allowed.may_read(name):
        raise DeployerError(f"{setting} names a file of the machine that deploys", help=allowed.advice(name))
    try:
        return Secret(read_key_file(Path(name).expanduser(), LONGEST).decode().strip())
    except KeyFileError as error:
        raise DeployerError(f"{setting}: {name}{error.why}", help=error.help) from None
    except RuntimeError:  # ~NAME of nobody
        raise DeployerError(f"{setting}: {name}: there is no such home directory", help="write a full path") from None
    except UnicodeDecodeError:
        raise DeployerError(f"{setting}: {name} is no text", help="it holds one line") from None


def _is_key(key: Secret) -> bool:
    try:
        return len(base64.b64decode(key.reveal(), validate=True)) in KEY_LENGTHS
    except (binascii.Error, ValueError):
        return False
