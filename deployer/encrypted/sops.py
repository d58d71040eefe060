"""Decrypt the values of a SOPS file, and check the MAC over all of them.

The format: getsops/sops, sops.go (what the MAC is made of), aes/cipher.go (values), stores/ (metadata). The names of its
fields are theirs. What the file says of itself is in metadata.py.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.encrypted.metadata import Metadata

Value = str | int | float | bool | None

# Each part has its own alphabet, none with a comma: no text is tried in more than one way.
_VALUE: Final = re.compile(
    r"ENC\[AES256_GCM,data:([A-Za-z0-9+/]+={0,2}),iv:([A-Za-z0-9+/]+={0,2}),tag:([A-Za-z0-9+/]+={0,2}),type:([a-z]{1,16})\]"
)
_MAC_OF_ENCRYPTED: Final = hashlib.sha256(b"sops").digest()
"""What a MAC over the encrypted values alone begins with (sops.go, MACOnlyEncryptedInitialization)."""
LONGEST_PATH: Final = 4_096
"""Characters of all keys above a value: each value is authenticated with them, so they count once a value."""
DEEPEST: Final = 64
MOST: Final = 100_000
"""Values, lists and mappings of a file."""


class DamagedError(Exception):
    """The file is not what SOPS wrote. `str` says why, and never quotes a value."""


@dataclass(frozen=True)
class Leaf:
    """One value of the file: the keys above it (list items have none) and itself, as it is written there."""

    path: tuple[str, ...]
    value: Value
    line: int = 0

    @property
    def name(self) -> str:
        return ".".join(self.path)


def leaf(path: tuple[str, ...], value: Value, line: int = 0) -> Leaf:
    """Raises DamagedError where its keys are too long."""
    if sum(map(len, path)) > LONGEST_PATH:
        raise DamagedError(f"the keys above a value have more than {LONGEST_PATH} characters")
    return Leaf(path, value, line)


def bounded(count: int) -> None:
    """Raises DamagedError for more values than files of people have."""
    if count > MOST:
        raise DamagedError(f"it has more than {MOST} values")


def unencrypted(metadata: Metadata, leaves: Sequence[Leaf]) -> Leaf | None:
    """The first value that should be encrypted and is not: somebody wrote into the file by hand."""
    for one in leaves:
        if one.value in (None, "") or not metadata.rule.encrypts(one.path):
            continue
        if not isinstance(one.value, str) or not _VALUE.fullmatch(one.value):
            return one
    return None


def decrypt(metadata: Metadata, leaves: Sequence[Leaf], key: bytes) -> list[Value]:
    """The values of all leaves in their order, plain. DamagedError where one cannot be had, or the MAC is another."""
    digest = hashlib.sha512(_MAC_OF_ENCRYPTED if metadata.mac_only_encrypted else b"")
    values: list[Value] = []
    for one in leaves:
        encrypted = one.value is not None and metadata.rule.encrypts(one.path)
        value = one.value
        if encrypted:
            if not isinstance(value, str):
                raise DamagedError(f"{one.name} is not encrypted")
            value = _plain(value, key, ":".join(one.path) + ":", one.name)
        if value is not None and (encrypted or not metadata.mac_only_encrypted):
            digest.update(to_bytes(value))
        values.append(value)
    mac = _plain(metadata.mac, key, metadata.lastmodified, "mac")
    if not hmac.compare_digest(str(mac).encode(), digest.hexdigest().upper().encode()):
        raise DamagedError("its MAC does not fit its values: it was changed without sops")
    return values


def _plain(text: str, key: bytes, additional: str, name: str) -> Value:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - 0.05 s, only where something is encrypted
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

    if not text:
        return ""
    match = _VALUE.fullmatch(text)
    if match is None:
        raise DamagedError(f"{name} is not encrypted")
    try:
        data, nonce, tag = (base64.b64decode(match[part], validate=True) for part in (1, 2, 3))
        opened = AESGCM(key).decrypt(nonce, data + tag, additional.encode())
        return _typed(opened, match[4])
    except (InvalidTag, binascii.Error, ValueError):
        raise DamagedError(f"{name} cannot be decrypted: it was changed, moved or renamed without sops") from None


def _typed(opened: bytes, kind: str) -> Value:
    text = opened.decode()
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    if kind == "bool":
        return text.lower() in ("true", "t", "1")
    if kind in ("str", "bytes", "comment"):
        return text
    if kind == "time":
        return Time(text)
    raise ValueError(kind)


class Time(str):
    """A point in time in RFC 3339: text that is written without quotes."""

    __slots__ = ()


def to_bytes(value: Value) -> bytes:
    """What goes into the MAC (sops.go, ToBytes): Go writes floats in full, and bools as Python does."""
    if isinstance(value, float):
        text = format(Decimal(repr(value)), "f")
        return (text.rstrip("0").rstrip(".") if "." in text else text).encode()
    return str(value).encode()
