"""Encrypted bytes in, plaintext out, in memory."""

from __future__ import annotations

import base64
import binascii
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.encrypted import json_file, line_files, sops, yaml_file
from deployer.encrypted.confined import run_sops
from deployer.encrypted.identities import Identities, read_identities
from deployer.encrypted.kinds import AGE_ARMOR, CannotOpenError, Kind
from deployer.encrypted.sops import OTHER_KEYS, DamagedError, Leaf, Metadata, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TYPES: Final[Mapping[Kind, str]] = {
    "sops-yaml": "yaml",
    "sops-json": "json",
    "sops-binary": "binary",
    "sops-dotenv": "dotenv",
    "sops-ini": "ini",
}
_READERS: Final[Mapping[Kind, Callable[[str], tuple[list[Leaf], Any]]]] = {
    "sops-yaml": yaml_file.read,
    "sops-json": json_file.read,
    "sops-binary": json_file.read,
    "sops-dotenv": line_files.read_dotenv,
    "sops-ini": line_files.read_ini,
}
_WRITERS: Final[Mapping[Kind, Callable[[str, Sequence[Value]], bytes]]] = {
    "sops-yaml": yaml_file.write,
    "sops-json": json_file.write,
    "sops-binary": lambda _text, values: json_file.write_data(values),
    "sops-dotenv": line_files.write_dotenv,
    "sops-ini": line_files.write_ini,
}
KEY_PLACES: Final = "~/.config/sops/age/keys.txt, ~/.config/deployer/age.txt or the file that SOPS_AGE_KEY_FILE names"


@dataclass
class Opener:
    """Opens files for whoever runs deployer; keys are read when the first file needs them."""

    _identities: Identities | None = field(default=None, repr=False)

    @property
    def identities(self) -> Identities:
        if self._identities is None:
            self._identities = read_identities()
        return self._identities

    def open(self, kind: Kind, data: bytes) -> bytes:
        """What is in the file. CannotOpenError where no key fits, or where it was changed by hand."""
        if kind == "age":
            return self._open_age(data)
        text, leaves, metadata = _read(kind, data)
        if sops.only_program(metadata) or not metadata.age:
            return _by_program(kind, data, metadata)
        key = self._data_key(metadata)
        if key is None:
            if metadata.others and shutil.which("sops"):
                return _by_program(kind, data, metadata)
            raise self._no_key(metadata.recipients)
        try:
            return _WRITERS[kind](text, sops.decrypt(metadata, leaves, key))
        except DamagedError as damage:
            raise _damaged(damage) from None

    def _data_key(self, metadata: Metadata) -> bytes | None:
        import pyrage  # noqa: PLC0415 - only where something is encrypted

        # Those for keys that are here come first: the others are tried because the recipient of an SSH key is not known.
        for recipient, wrapped in sorted(metadata.age, key=lambda one: one[0] not in self.identities.public):
            try:
                return bytes(pyrage.decrypt(wrapped.encode(), self.identities.found)) if self.identities.found else None
            except pyrage.DecryptError:
                if recipient in self.identities.public:
                    raise _damaged(DamagedError(f"its key for {recipient} cannot be decrypted")) from None
        return None

    def _open_age(self, data: bytes) -> bytes:
        import pyrage  # noqa: PLC0415 - only where something is encrypted

        if not self.identities.found:
            raise self._no_key(())
        try:
            return bytes(pyrage.decrypt(data, self.identities.found))
        except pyrage.DecryptError as error:
            if "matching keys" in str(error):
                raise self._no_key(()) from None
            raise _damaged(DamagedError(f"it cannot be decrypted: {error}")) from None

    def _no_key(self, recipients: tuple[str, ...]) -> CannotOpenError:
        wanted = f" for {', '.join(recipients)}" if recipients else ""
        here = f"none of the keys in {', '.join(self.identities.places)} opens it"
        message = f"is encrypted{wanted}, and {here if self.identities.found else 'there is no key here'}"
        return CannotOpenError(message, f"put the private key into {KEY_PLACES}; or let who can open it add your key")


def problem_of(kind: Kind, data: bytes) -> CannotOpenError | None:
    """What is wrong with the file as far as that can be told without a key."""
    if kind == "age":
        return None if recipients_of_age(data) else _damaged(DamagedError("its header names no recipient"))
    try:
        _, leaves, metadata = _read(kind, data)
    except CannotOpenError as error:
        return error
    leaf = None if sops.only_program(metadata) else sops.unencrypted(metadata, leaves)
    if leaf is None:
        return None
    help_ = "encrypt it: `sops edit`, or `sops set`; a value that was committed in the clear is to be changed, too"
    return CannotOpenError(f"has a value in the clear where sops has encrypted ones: {leaf.name}", help_, leaf.line)


def outline(data: bytes) -> list[tuple[str, str | None]]:
    """The variables of a SOPS dotenv file, with the values that are in the clear; None where one is encrypted."""
    _, leaves, metadata = _read("sops-dotenv", data)
    return [
        (leaf.path[0], None if leaf.value != "" and metadata.encrypts(leaf.path) else str(leaf.value))
        for leaf in leaves
    ]


def recipients_of_age(data: bytes) -> tuple[str, ...]:
    """The stanzas of an age file's header: their types, as age hides who they are for (age-encryption.org/v1, header)."""
    if data.lstrip().startswith(AGE_ARMOR):
        body = b"".join(data.split(b"-----")[2].split()) if data.count(b"-----") >= 4 else b""
        try:
            data = base64.b64decode(body, validate=True)
        except binascii.Error:
            return ()
    header, rule, _ = data.partition(b"\n---")
    lines = header.decode("ascii", "replace").splitlines() if rule else []
    return tuple(line.split()[1] for line in lines if line.startswith("-> ") and len(line.split()) > 1)


def _read(kind: Kind, data: bytes) -> tuple[str, list[Leaf], Metadata]:
    try:
        text = data.decode()
        leaves, section = _READERS[kind](text)
        return text, leaves, sops.read_metadata(section)
    except UnicodeDecodeError:
        raise _damaged(DamagedError("it is not UTF-8")) from None
    except DamagedError as damage:
        raise _damaged(damage) from None


def _by_program(kind: Kind, data: bytes, metadata: Metadata) -> bytes:
    """Keys of other kinds, by the sops of whoever runs deployer; the plaintext comes over a pipe."""
    program = shutil.which("sops")
    if program is None:
        kinds = ", ".join(metadata.others)
        raise CannotOpenError(f"is encrypted with {kinds}, which takes the sops program", "install sops")
    type_ = _TYPES[kind]
    argv = [program, "--decrypt", "--input-type", type_, "--output-type", type_, "/dev/stdin"]
    asked = {*metadata.others, *(OTHER_KEYS if "key_groups" in metadata.others else ())}
    with tempfile.TemporaryDirectory(prefix="deployer-") as folder:
        done = run_sops(argv, kinds=asked, folder=Path(folder), environment=os.environ, stdin=data)
    if done.beyond:
        raise CannotOpenError(f"could not be decrypted by sops within {done.beyond}", "try `sops --decrypt` by hand")
    if done.code != 0:
        said = " ".join(done.err.decode(errors="replace").split())[:300]
        raise CannotOpenError(f"could not be decrypted by sops: {said}", "try `sops --decrypt` by hand")
    return done.out


def _damaged(damage: DamagedError) -> CannotOpenError:
    return CannotOpenError(
        f"cannot be opened: {damage}", "take the last good version of it from git, and edit it with sops"
    )
