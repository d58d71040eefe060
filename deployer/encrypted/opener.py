"""Encrypted bytes in, plaintext out, in memory."""

from __future__ import annotations

import base64
import binascii
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.document import shortened
from deployer.document.places import LONGEST_SNIPPET
from deployer.encrypted import json_file, line_files, sops, yaml_file
from deployer.encrypted.identities import Identities, read_identities
from deployer.encrypted.kinds import AGE_ARMOR, CannotOpenError, Kind
from deployer.encrypted.metadata import Metadata, read_metadata
from deployer.encrypted.sops import DamagedError, Leaf, Value
from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deployer.encrypted.keys import MasterKey
    from deployer.model.allowed import Allowed

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
LONGEST_SHOWN: Final = 120
KEY_PLACES: Final = "~/.config/sops/age/keys.txt, ~/.config/deployer/age.txt or the file that SOPS_AGE_KEY_FILE names"


@dataclass(frozen=True)
class Refusal:
    """Something that a file would have the machine that deploys ask, and where the file says so."""

    line: int
    column: int
    message: str
    help: str
    source: str = ""
    width: int = 1


@dataclass
class Opener:
    """Opens files for whoever runs deployer; keys are read when the first file needs them."""

    _identities: Identities | None = field(default=None, repr=False)

    @property
    def identities(self) -> Identities:
        if self._identities is None:
            self._identities = read_identities()
        return self._identities

    def open(self, kind: Kind, data: bytes, allowed: Allowed) -> bytes:
        """What is in the file. CannotOpenError where no key fits, where it was changed by hand, or where it would take
        asking somebody who is not `allowed`.
        """
        if kind == "age":
            return self._open_age(data)
        text, leaves, metadata = _read(kind, data)
        if metadata.over_comments:
            if not allowed.everything:
                raise _told(_over_comments(text, metadata))
            return whole(kind, data)
        key = self._data_key(metadata) or self._by_program(text, metadata, allowed)
        try:
            return _WRITERS[kind](text, sops.decrypt(metadata, leaves, key))
        except DamagedError as damage:
            raise _damaged(damage) from None

    def _data_key(self, metadata: Metadata) -> bytes | None:
        """By a key of age's, where one is enough."""
        import pyrage  # noqa: PLC0415 - only where something is encrypted

        keys = [key for key in metadata.keys if key.kind == "age"] if len(metadata.groups) == 1 else []
        # Those for keys that are here come first: the others are tried because the recipient of an SSH key is not known.
        for key in sorted(keys, key=lambda one: one.name not in self.identities.public):
            try:
                return bytes(pyrage.decrypt(key.enc.encode(), self.identities.found)) if self.identities.found else None
            except pyrage.DecryptError:
                if key.name in self.identities.public:
                    raise _damaged(
                        DamagedError(f"its key for {printable(key.name)[:LONGEST_SHOWN]} cannot be decrypted")
                    ) from None
        return None

    def _by_program(self, text: str, metadata: Metadata, allowed: Allowed) -> bytes:
        """Keys of other kinds, by the sops of whoever runs deployer; of those that may not be asked it hears nothing."""
        from deployer.encrypted.program import data_key  # noqa: PLC0415 - only for keys of other kinds

        single = len(metadata.groups) == 1  # then a key of age's has been tried already
        groups = _usable(metadata, allowed)
        asked = [key for group in groups for key in group if not (single and key.kind == "age")]
        if len(groups) < metadata.threshold or not asked:
            refusals = _refusals(text, metadata, allowed)
            raise _told(refusals[0]) if refusals else self._no_key(metadata.recipients)
        if single and metadata.recipients and not shutil.which("sops"):
            raise self._no_key(metadata.recipients)
        return data_key([asked] if single else groups, metadata.threshold, allowed)

    def _open_age(self, data: bytes) -> bytes:
        import pyrage  # noqa: PLC0415 - only where something is encrypted

        if not self.identities.found:
            raise self._no_key(())
        try:
            return bytes(pyrage.decrypt(data, self.identities.found))
        except pyrage.DecryptError as error:
            if "matching keys" in str(error):
                raise self._no_key(()) from None
            raise _damaged(DamagedError("it cannot be decrypted")) from None

    def _no_key(self, recipients: tuple[str, ...]) -> CannotOpenError:
        wanted = f" for {', '.join(printable(one)[:LONGEST_SHOWN] for one in recipients[:5])}" if recipients else ""
        here = f"none of the keys in {', '.join(self.identities.places)} opens it"
        message = f"is encrypted{wanted}, and {here if self.identities.found else 'there is no key here'}"
        unused = "".join(
            f"{path}{error.why}, so it is not used: {error.help}; " for path, error in self.identities.unused
        )
        return CannotOpenError(
            message, f"{unused}put the private key into {KEY_PLACES}; or let who can open it add your key"
        )


def refused(kind: Kind, data: bytes, allowed: Allowed) -> list[Refusal]:
    """What a file would have this machine ask although it is not `allowed`, as far as that is clear before any key is tried."""
    try:
        text, _, metadata = _read(kind, data)
    except CannotOpenError:
        return []  # `problem_of` says what is wrong with it
    if metadata.over_comments:
        return [_over_comments(text, metadata)]
    return _refusals(text, metadata, allowed) if len(_usable(metadata, allowed)) < metadata.threshold else []


def _usable(metadata: Metadata, allowed: Allowed) -> list[list[MasterKey]]:
    """The groups with those of their keys that may be asked; one that has none is left out."""
    kept = ([key for key in group if key.may_be_asked(allowed)] for group in metadata.groups)
    return [group for group in kept if group]


def _refusals(text: str, metadata: Metadata, allowed: Allowed) -> list[Refusal]:
    found = []
    for key in metadata.keys:
        if key.may_be_asked(allowed):
            continue
        needs = key.needs()
        name = shortened(key.name) or "without a name"
        if needs is None:
            message = f"its {key.kind} key {name} is no plain address, name or id"
            found.append(_refusal(text, key.name, message, "encrypt it anew with sops"))
            continue
        lacking = next(need for need in needs if not allowed.may_ask(need))
        message = f"its {key.kind} key {name} would be asked for with the credentials of the machine that deploys"
        found.append(_refusal(text, key.name, message, allowed.advice(lacking)))
    return found


def _over_comments(text: str, metadata: Metadata) -> Refusal:
    message = f"its {metadata.over_comments} takes the sops program to read the file, which does not read other people's files"
    advice = "encrypt it anew with --encrypted-regex or --encrypted-suffix"
    return _refusal(text, metadata.over_comments, message, advice)


def _refusal(text: str, word: str, message: str, advice: str) -> Refusal:
    """A problem at the last line that has the word, as SOPS writes its section at the end. Without such a line: of the whole file."""
    at = text.rfind(word) if word else -1
    if at < 0:
        return Refusal(0, 0, message, advice)
    begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line = text[begin : end if end >= 0 else len(text)]
    source = line if len(line) <= LONGEST_SNIPPET else ""
    return Refusal(text.count("\n", 0, at) + 1, at - begin + 1, message, advice, source, len(word) if source else 1)


def _told(refusal: Refusal) -> CannotOpenError:
    return CannotOpenError(refusal.message, refusal.help, refusal.line, refusal.column)


def problem_of(kind: Kind, data: bytes) -> CannotOpenError | None:
    """What is wrong with the file as far as that can be told without a key."""
    if kind == "age":
        return None if recipients_of_age(data) else _damaged(DamagedError("its header names no recipient"))
    try:
        _, leaves, metadata = _read(kind, data)
    except CannotOpenError as error:
        return error
    leaf = None if metadata.over_comments else sops.unencrypted(metadata, leaves)
    if leaf is None:
        return None
    help_ = "encrypt it: `sops edit`, or `sops set`; a value that was committed in the clear is to be changed, too"
    return CannotOpenError(
        f"has a value in the clear where sops has encrypted ones: {shortened(leaf.name)}", help_, leaf.line
    )


def outline(data: bytes) -> list[tuple[str, str | None]]:
    """The variables of a SOPS dotenv file, with the values that are in the clear; None where one is encrypted."""
    _, leaves, metadata = _read("sops-dotenv", data)
    return [
        (leaf.path[0], None if leaf.value != "" and metadata.rule.encrypts(leaf.path) else str(leaf.value))
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
        return text, leaves, read_metadata(section)
    except UnicodeDecodeError:
        raise _damaged(DamagedError("it is not UTF-8")) from None
    except DamagedError as damage:
        raise _damaged(damage) from None


def whole(kind: Kind, data: bytes) -> bytes:
    """The file as the sops program decrypts it, for an operator's own run: where a rule looks at comments, only that can read it."""
    from deployer.encrypted.program import decrypt_whole  # noqa: PLC0415 - few files have such a rule

    return decrypt_whole(_TYPES[kind], data)


def _damaged(damage: DamagedError) -> CannotOpenError:
    return CannotOpenError(
        f"cannot be opened: {damage}", "take the last good version of it from git, and edit it with sops"
    )
