"""Get the sudo passwords of machines: from a file, a command or the terminal of whoever runs deployer, never from git.

Which command that is comes from the environment only: one that git names would be run by whoever can push.
"""

from __future__ import annotations

import getpass
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.model.printable import printable
from deployer.model.secret import Secret
from deployer.remote.key_file import KeyFileError, read_key_file
from deployer.remote.terminal import interruptible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployer.model.cluster import Node

FILE: Final = "DEPLOYER_SUDO_PASSWORD_FILE"
COMMAND: Final = "DEPLOYER_SUDO_PASSWORD_COMMAND"
MACHINE: Final = "{machine}"
_SECONDS: Final = 60.0  # a password store may ask for its own passphrase, or for a touch


def passwords(nodes: Iterable[Node], environment: Mapping[str, str]) -> dict[str, Secret]:
    """The password for each machine whose file says `sudo: password`; empty where there is nothing to ask.

    The terminal is asked once for all of them. Raises DeployerError where the file or the command is of no use.
    """
    wanting = [node for node in nodes if node.ssh.sudo == "password" and node.ssh.user != "root"]
    if not wanting:
        return {}
    if name := environment.get(FILE, ""):
        return dict.fromkeys((node.name for node in wanting), _read(Path(name).expanduser()))
    if line := environment.get(COMMAND, ""):
        known: dict[tuple[str, ...], Secret] = {}
        found = {}
        for node in wanting:
            argv = tuple(word.replace(MACHINE, node.name) for word in _words(line))
            known[argv] = known.get(argv) or _asked(argv)
            found[node.name] = known[argv]
        return found
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return {}  # a machine whose sudo wants one all the same says so
    return dict.fromkeys((node.name for node in wanting), _typed(wanting))


def _read(path: Path) -> Secret:
    try:
        return _line(read_key_file(path, follow=True).decode(), FILE)
    except KeyFileError as error:
        raise DeployerError(f"{FILE}: {path}{error.why}", help=error.help) from None
    except UnicodeDecodeError:
        raise DeployerError(f"{FILE}: {path} is no text") from None


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise DeployerError(f"{COMMAND} is no command line: {error}") from None


def _asked(argv: tuple[str, ...]) -> Secret:
    """What a command prints first; what it says on standard error is for the user's eyes."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, timeout=_SECONDS, check=False, errors="replace")
    except OSError as error:
        raise DeployerError(f"{COMMAND}: {printable(argv[0])}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise DeployerError(f"{COMMAND}: `{printable(argv[0])}` did not end within {_SECONDS:g} s") from None
    if done.returncode != 0:
        raise DeployerError(f"{COMMAND}: `{printable(argv[0])}` ended with status {done.returncode}")
    return _line(done.stdout, COMMAND)


def _line(text: str, where: str) -> Secret:
    first = text.partition("\n")[0].rstrip("\r")
    if not first:
        raise DeployerError(f"{where}: there is no password in its first line")
    return Secret(first)


def _typed(nodes: list[Node]) -> Secret:
    """Asked for before anything else runs."""
    users = ", ".join(sorted({node.ssh.user or "you" for node in nodes}))
    names = ", ".join(node.name for node in nodes[:5]) + (", ..." if len(nodes) > 5 else "")
    try:
        with interruptible():
            return Secret(getpass.getpass(f"sudo password of {users} on {names}: "))
    except EOFError:
        raise DeployerError("no sudo password was given") from None
