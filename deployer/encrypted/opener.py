"""Open encrypted files in memory, with the keys of whoever runs deployer."""

from __future__ import annotations

import bisect
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyrage

from deployer.document import shortened
from deployer.encrypted import json_file, line_files, yaml_file
from deployer.encrypted.check import SopsFile, describe_damage, read_file, refuse_comments, refuse_keys, usable_groups
from deployer.encrypted.identities import Identities, read_identities
from deployer.encrypted.kinds import CannotOpenError, Kind
from deployer.model.printable import printable
from deployer.startup import defer_imports

with defer_imports():  # files of age's own need no program
    from deployer.encrypted import program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.encrypted.leaves import Leaf
    from deployer.encrypted.metadata import Metadata
    from deployer.model.allowed import Allowed

_REPLACE: Final[Mapping[Kind, Callable[[str, Mapping[str, Any]], str]]] = {
    "sops-yaml": yaml_file.replace_section,
    "sops-json": json_file.replace_section,
    "sops-binary": json_file.replace_section,
    "sops-dotenv": line_files.replace_dotenv_section,
    "sops-ini": line_files.replace_ini_section,
}
LONGEST_SHOWN: Final = 120
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

    def open(self, kind: Kind, data: bytes, allowed: Allowed) -> bytes:
        """What is in the file. CannotOpenError where no key fits, where it was changed by hand, or where it would take
        asking somebody who is not `allowed`.
        """
        if kind == "age":
            return self._open_age(data)
        file = read_file(kind, data)
        if file.metadata.over_comments and not allowed.everything:
            raise refuse_comments(file)
        return _decrypt(file, self._data_key(file.metadata) or self._ask_for_key(file, allowed))

    def _data_key(self, metadata: Metadata) -> bytes | None:
        """By a key of age's, where one is enough."""
        keys = [key for key in metadata.keys if key.kind == "age"] if len(metadata.groups) == 1 else []
        # Those for keys that are here come first: the others are tried because the recipient of an SSH key is not known.
        for key in sorted(keys, key=lambda one: one.name not in self.identities.public):
            try:
                return bytes(pyrage.decrypt(key.enc.encode(), self.identities.found)) if self.identities.found else None
            except pyrage.DecryptError:
                if key.name in self.identities.public:
                    shown = printable(key.name)[:LONGEST_SHOWN]
                    raise describe_damage(f"its key for {shown} cannot be decrypted") from None
        return None

    def _ask_for_key(self, file: SopsFile, allowed: Allowed) -> bytes:
        """By keys of other kinds, which the program asks for; of those that may not be asked it hears nothing."""
        metadata = file.metadata
        single = len(metadata.groups) == 1  # then a key of age's has been tried already
        groups = usable_groups(file, allowed)
        asked = [key for group in groups for key in group if not (single and key.kind == "age")]
        if len(groups) < metadata.threshold or not asked:
            raise next(iter(refuse_keys(file, allowed)), self._no_key(metadata.recipients))
        return program.data_key([asked] if single else groups, metadata.threshold, allowed)

    def _open_age(self, data: bytes) -> bytes:
        if not self.identities.found:
            raise self._no_key(())
        try:
            return bytes(pyrage.decrypt(data, self.identities.found))
        except pyrage.DecryptError as error:
            if "matching keys" in str(error):
                raise self._no_key(()) from None
            raise describe_damage("it cannot be decrypted") from None

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


def _decrypt(file: SopsFile, key: bytes) -> bytes:
    def with_key(recipient: str, enc: str) -> str:
        return _REPLACE[file.kind](file.text, file.metadata.for_recipient(recipient, enc))

    try:
        return program.decrypt(file.kind.removeprefix("sops-"), key, with_key)
    except program.NotDecryptedError as error:
        if file.clear is not None:
            why = f"{shortened(file.clear.name)} is not encrypted"
        elif error.code == program.NotDecryptedError.MAC_MISMATCH:
            why = "its MAC does not fit its values: it was changed without sops"
        elif error.code == program.NotDecryptedError.VALUE:
            why = f"{_find_damaged(file, key)} cannot be decrypted: it was changed, moved or renamed without sops"
        else:
            why = "sops does not read it"
        raise describe_damage(why) from None


def _find_damaged(file: SopsFile, key: bytes) -> str:
    """The name of the first value that sops cannot decrypt, which it does not tell: it is asked for parts of the file.

    A part is a YAML file with a document for each value, which says the keys above the value and nothing else.
    """

    def fails(count: int) -> bool:
        def with_key(recipient: str, enc: str) -> str:
            first, *others = map(_nest, asked[:count])
            section = file.metadata.for_recipient(recipient, enc)
            return "\n---\n".join(map(json.dumps, (first | {"sops": section}, *others)))

        try:
            program.decrypt("yaml", key, with_key)
        except program.NotDecryptedError as error:
            return error.code == program.NotDecryptedError.VALUE
        return False

    asked = [leaf for leaf in file.leaves if leaf.value is not None and file.metadata.rule.encrypts(leaf.path)]
    at = bisect.bisect_left(range(1, len(asked) + 1), True, key=fails)
    return shortened(asked[at].name) if at < len(asked) else "a value"


def _nest(leaf: Leaf) -> dict[str, Any]:
    value = leaf.value
    for key in reversed(leaf.path):
        value = {key: value}
    return dict(value)
