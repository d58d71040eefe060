"""Find the private key file that a machine's file names. It must be allowed, a plain file, and this user's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.remote.connection import ConnectionFailedError, NotLetInError
from deployer.remote.key_file import KeyFileError, check_plain, read_key_file

if TYPE_CHECKING:
    from deployer.model.allowed import Allowed


def identity_file(name: str, allowed: Allowed) -> Path:
    """The file, if it can be used. Raises ConnectionFailedError."""
    import asyncssh  # noqa: PLC0415 - 0.2 s, which the OpenSSH client does without

    path = _path(name, allowed)
    try:
        asyncssh.import_private_key(read_key_file(path))
    except KeyFileError as error:
        other = "correct ssh.identity_file, or leave it out to use your own keys"
        advice = error.help if error.why.startswith(" ") else other
        raise ConnectionFailedError(f"identity file {name}{error.why}", help=advice) from None
    except asyncssh.KeyImportError as error:
        if "assphrase" not in str(error):
            raise ConnectionFailedError(f"identity file {name} is no private key: {error}") from None
        if not os.environ.get("SSH_AUTH_SOCK"):
            raise ConnectionFailedError(
                f"identity file {name} is protected by a passphrase",
                help=f"start ssh-agent and load it: ssh-add {name}",
            ) from None
    return path


def check_identity(name: str, allowed: Allowed) -> None:
    """For the OpenSSH client: what it would wait at, it does not get. The rest it says itself: the file may be a public key of the agent's."""
    path = _path(name, allowed)
    try:
        check_plain(path)
    except KeyFileError as error:
        raise ConnectionFailedError(f"identity file {name}{error.why}", help=error.help) from None


def _path(name: str, allowed: Allowed) -> Path:
    """The check of the files has refused it before, where it may not be used: here is where that counts."""
    if not allowed.may_read(name):
        raise NotLetInError("ssh.identity_file names a file of the machine that deploys", help=allowed.advice(name))
    try:
        return Path(name).expanduser()
    except RuntimeError:  # ~NAME of nobody
        raise ConnectionFailedError(f"identity file {name}: there is no such home directory") from None
