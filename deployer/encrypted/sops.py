"""A SOPS file's metadata and leaves in, its plain values out; the MAC over all of them is checked.

The format: getsops/sops, sops.go (which values are encrypted, what the MAC is made of), aes/cipher.go (values),
stores/ (metadata). The names of its fields are theirs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Value = str | int | float | bool | None

_VALUE: Final = re.compile(r"ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]", re.DOTALL)
_MAC_OF_ENCRYPTED: Final = hashlib.sha256(b"sops").digest()
"""What a MAC over the encrypted values alone begins with (sops.go, MACOnlyEncryptedInitialization)."""
OTHER_KEYS: Final = ("pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms")
_RULES: Final = ("unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex")
_COMMENT_RULES: Final = ("unencrypted_comment_regex", "encrypted_comment_regex")


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


@dataclass(frozen=True)
class Metadata:
    """`age` are (recipient, the data key encrypted for it); `others` the kinds of keys that only the program handles."""

    age: tuple[tuple[str, str], ...]
    others: tuple[str, ...]
    mac: str
    lastmodified: str
    rules: Mapping[str, str]
    mac_only_encrypted: bool

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(recipient for recipient, _ in self.age)

    def encrypts(self, path: Sequence[str]) -> bool:
        """Whether a value below these keys is encrypted: the last rule that is there decides (sops.go, shouldBeEncrypted)."""
        rules, encrypted = self.rules, True
        if "unencrypted_suffix" in rules:
            encrypted = not any(key.endswith(rules["unencrypted_suffix"]) for key in path)
        if "encrypted_suffix" in rules:
            encrypted = any(key.endswith(rules["encrypted_suffix"]) for key in path)
        if "unencrypted_regex" in rules and any(re.search(rules["unencrypted_regex"], key) for key in path):
            encrypted = False
        if "encrypted_regex" in rules:
            encrypted = any(re.search(rules["encrypted_regex"], key) for key in path)
        return encrypted


def read_metadata(given: Any) -> Metadata:
    """The `sops` section. Keys in groups (Shamir) and rules over comments are the program's business: among `others`."""
    if not isinstance(given, dict):
        raise DamagedError("its sops section is no mapping")
    others = [name for name in OTHER_KEYS if given.get(name)]
    others += ["key_groups"] if given.get("key_groups") else []
    others += [name for name in _COMMENT_RULES if given.get(name)]
    age = [(str(one.get("recipient", "")), str(one.get("enc", ""))) for one in given.get("age") or () if one]
    mac, modified = given.get("mac"), given.get("lastmodified")
    if not isinstance(mac, str) or not isinstance(modified, str):
        raise DamagedError("its sops section has no mac and lastmodified")
    if not age and not others:
        raise DamagedError("its sops section names no recipient")
    rules = {name: str(given[name]) for name in _RULES if given.get(name)}
    for name in ("unencrypted_regex", "encrypted_regex"):
        try:
            re.compile(rules.get(name, ""))
        except re.error:
            raise DamagedError(f"its {name} cannot be read") from None
    only = str(given.get("mac_only_encrypted", "")).lower() == "true"
    return Metadata(tuple(age), tuple(others), mac, modified, rules, only)


def only_program(metadata: Metadata) -> bool:
    """Whether the file is beyond what is done here: keys in groups, or rules over comments."""
    return any(name in metadata.others for name in ("key_groups", *_COMMENT_RULES))


def unencrypted(metadata: Metadata, leaves: Sequence[Leaf]) -> Leaf | None:
    """The first value that should be encrypted and is not: somebody wrote into the file by hand."""
    for leaf in leaves:
        if leaf.value in (None, "") or not metadata.encrypts(leaf.path):
            continue
        if not isinstance(leaf.value, str) or not _VALUE.match(leaf.value):
            return leaf
    return None


def decrypt(metadata: Metadata, leaves: Sequence[Leaf], key: bytes) -> list[Value]:
    """The values of all leaves in their order, plain. DamagedError where one cannot be had, or the MAC is another."""
    digest = hashlib.sha512(_MAC_OF_ENCRYPTED if metadata.mac_only_encrypted else b"")
    values: list[Value] = []
    for leaf in leaves:
        encrypted = leaf.value is not None and metadata.encrypts(leaf.path)
        value = leaf.value
        if encrypted:
            if not isinstance(value, str):
                raise DamagedError(f"{leaf.name} is not encrypted")
            value = _plain(value, key, ":".join(leaf.path) + ":", leaf.name)
        if value is not None and (encrypted or not metadata.mac_only_encrypted):
            digest.update(to_bytes(value))
        values.append(value)
    mac = _plain(metadata.mac, key, metadata.lastmodified, "mac")
    if not hmac.compare_digest(str(mac), digest.hexdigest().upper()):
        raise DamagedError("its MAC does not fit its values: it was changed without sops")
    return values


def plain_comment(text: str, key: bytes, path: Sequence[str]) -> str:
    return str(_plain(text, key, ":".join(path) + ":", "a comment"))


def _plain(text: str, key: bytes, additional: str, name: str) -> Value:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - 0.05 s, only where something is encrypted
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

    if not text:
        return ""
    match = _VALUE.match(text)
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
