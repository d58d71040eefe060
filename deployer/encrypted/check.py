"""Check encrypted files without a key: whether they are as sops and age write them, and whom they would have this machine ask."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.document import shortened
from deployer.document.places import LONGEST_SNIPPET
from deployer.encrypted import json_file, line_files, yaml_file
from deployer.encrypted.kinds import AGE_ARMOR, CannotOpenError, Kind
from deployer.encrypted.leaves import DamagedError, Leaf
from deployer.encrypted.metadata import Metadata, read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.encrypted.keys import MasterKey
    from deployer.model.allowed import Allowed

_READERS: Final[Mapping[Kind, Callable[[str], tuple[list[Leaf], Any]]]] = {
    "sops-yaml": yaml_file.read,
    "sops-json": json_file.read,
    "sops-binary": json_file.read,
    "sops-dotenv": line_files.read_dotenv,
    "sops-ini": line_files.read_ini,
}


@dataclass(frozen=True)
class SopsFile:
    """A file of SOPS as it can be read without a key."""

    kind: Kind
    text: str
    leaves: list[Leaf]
    metadata: Metadata

    @property
    def clear(self) -> Leaf | None:
        """The first value in the clear where an encrypted one should be. A rule over comments leaves that open."""
        if self.metadata.over_comments:
            return None
        return next((leaf for leaf in self.leaves if leaf.is_clear(self.metadata.rule)), None)


def read_file(kind: Kind, data: bytes) -> SopsFile:
    """Raises CannotOpenError where the file is not as sops writes it."""
    try:
        text = data.decode()
        leaves, section = _READERS[kind](text)
        return SopsFile(kind, text, leaves, read_metadata(section))
    except UnicodeDecodeError:
        raise describe_damage("it is not UTF-8") from None
    except DamagedError as damage:
        raise describe_damage(str(damage)) from None


def problem_of(kind: Kind, data: bytes) -> CannotOpenError | None:
    """What is wrong with the file as far as that can be told without a key."""
    if kind == "age":
        return None if recipients_of_age(data) else describe_damage("its header names no recipient")
    try:
        leaf = read_file(kind, data).clear
    except CannotOpenError as error:
        return error
    if leaf is None:
        return None
    advice = "encrypt it: `sops edit`, or `sops set`; a value that was committed in the clear is to be changed, too"
    return CannotOpenError(
        f"has a value in the clear where sops has encrypted ones: {shortened(leaf.name)}", advice, leaf.line
    )


def outline(data: bytes) -> list[tuple[str, str | None]]:
    """The variables of a SOPS dotenv file, with the values that are in the clear; None where one is encrypted."""
    file = read_file("sops-dotenv", data)
    rule = file.metadata.rule
    return [(leaf.path[0], None if leaf.value and rule.encrypts(leaf.path) else leaf.value) for leaf in file.leaves]


def find_refusals(kind: Kind, data: bytes, allowed: Allowed) -> list[CannotOpenError]:
    """What a file would have this machine ask although it is not `allowed`, as far as that is clear before any key is tried."""
    try:
        file = read_file(kind, data)
    except CannotOpenError:
        return []  # `problem_of` says what is wrong with it
    if file.metadata.over_comments:
        return [refuse_comments(file)]
    return refuse_keys(file, allowed) if len(usable_groups(file, allowed)) < file.metadata.threshold else []


def usable_groups(file: SopsFile, allowed: Allowed) -> list[list[MasterKey]]:
    """The groups with those of their keys that may be asked; one that has none is left out."""
    kept = ([key for key in group if key.may_be_asked(allowed)] for group in file.metadata.groups)
    return [group for group in kept if group]


def refuse_keys(file: SopsFile, allowed: Allowed) -> list[CannotOpenError]:
    """One for each key that may not be asked, with the setting that would allow it."""
    found = []
    for key in file.metadata.keys:
        if key.may_be_asked(allowed):
            continue
        needs = key.needs()
        name = shortened(key.name) or "without a name"
        if needs is None:
            message = f"its {key.kind} key {name} is no plain address, name or id"
            found.append(_refuse(file, key.name, message, "encrypt it anew with sops"))
            continue
        lacking = next(need for need in needs if not allowed.may_ask(need))
        message = f"its {key.kind} key {name} would be asked for with the credentials of the machine that deploys"
        found.append(_refuse(file, key.name, message, allowed.advice(lacking)))
    return found


def refuse_comments(file: SopsFile) -> CannotOpenError:
    """For other people's files: without a key nobody can tell what is in the clear."""
    name = file.metadata.over_comments
    message = (
        f"its {name} lets comments decide what is encrypted, so nobody can tell without a key what is in the clear"
    )
    return _refuse(file, name, message, "encrypt it anew with --encrypted-regex or --encrypted-suffix")


def _refuse(file: SopsFile, word: str, message: str, advice: str) -> CannotOpenError:
    """A problem at the last line that has the word, as SOPS writes its section at the end. Without such a line: of the whole file."""
    text = file.text
    at = text.rfind(word) if word else -1
    if at < 0:
        return CannotOpenError(message, advice)
    begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
    line = text[begin : end if end >= 0 else len(text)]
    source = line if len(line) <= LONGEST_SNIPPET else ""
    number = text.count("\n", 0, at) + 1
    return CannotOpenError(message, advice, number, at - begin + 1, source, len(word) if source else 1)


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


def describe_damage(why: str) -> CannotOpenError:
    return CannotOpenError(
        f"cannot be opened: {why}", "take the last good version of it from git, and edit it with sops"
    )
