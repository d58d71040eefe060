"""Remotes: the only calls of git that leave this machine. The address is the operator's, never a push's (FAULTS.md, S-06).

Whoever runs this has configured how remotes are reached (~/.gitconfig, ~/.ssh/config, the agent); nothing is asked at a
terminal, redirects are not followed, and what does not move on is ended.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Final

from deployer.errors import UnreachableError, UsageError
from deployer.model.printable import printable
from deployer.source import git

if TYPE_CHECKING:
    from pathlib import Path

LOOK_SECONDS: Final = 60.0
FETCH_SECONDS: Final = 900.0
LONGEST_SAID: Final = 300
_ADDRESS: Final = re.compile(
    r"(?:https?|ssh|file)://[^\s\x00-\x20-][^\s\x00-\x20]{0,2000}"
    r"|(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}@)?[A-Za-z0-9][A-Za-z0-9.-]{0,252}:(?!//|[-:])[^\s\x00-\x20]{1,1000}"
    r"|/[^\x00-\x1f]{1,1000}"
)
_HOST_OPTION: Final = re.compile(r"//(?:[^/@]*@)?-")
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")
_SETTINGS: Final = {
    "protocol.allow": "never",
    **{f"protocol.{name}.allow": "always" for name in ("https", "http", "ssh", "file")},
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "transfer.fsckObjects": "true",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "gc.auto": "0",
}
_SSH: Final = "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=5 -o ServerAliveCountMax=3"


def checked_address(text: str) -> str:
    """The text, which is a remote's address over https, http, ssh or a path; UsageError where it is none."""
    if not _ADDRESS.fullmatch(text) or _HOST_OPTION.search(text):
        raise UsageError(
            f"{shown_address(text)[:200]!r} is no address of a remote",
            help="https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, or an absolute path",
        )
    return text


def shown_address(text: str) -> str:
    """The address without a password."""
    return printable(_PASSWORD.sub("[secret]", text))


def tip(address: str, branch: str) -> str:
    """The full id at which the remote's branch stands. UnreachableError where it cannot be asked, or has no such branch."""
    ref = f"refs/heads/{branch}"
    done = _run(address, ("ls-remote", "--refs", "--end-of-options", address, ref), None, LOOK_SECONDS)
    found = {name: id_ for id_, _, name in (line.partition("\t") for line in done.splitlines())}
    if ref not in found:
        # A branch that has gone is no order to remove everything: what runs stays (FAULTS.md, F-29).
        raise UnreachableError(f"{shown_address(address)} has no branch {branch}", help="push it, or name another one")
    try:
        return git.full_id(found[ref])
    except ValueError:
        raise UnreachableError(
            f"{shown_address(address)} has SHA-256 object ids", help="use a repository with SHA-1 ones"
        ) from None


def fetch(repository: git.Repository, address: str, branch: str) -> None:
    """Bring the remote's branch into the repository, under the same name. UnreachableError where that fails."""
    refspec = f"+refs/heads/{branch}:refs/heads/{branch}"
    argv = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options", address, refspec)
    _run(address, argv, repository.git_dir, FETCH_SECONDS)


def _run(address: str, arguments: tuple[str, ...], git_dir: Path | str | None, seconds: float) -> str:
    argv = (git.executable(), *arguments)
    try:
        done = subprocess.run(
            argv,
            env=_environment(git_dir),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnreachableError(f"{shown_address(address)} does not answer within {seconds:.0f} s") from None
    if done.returncode != 0:
        raise UnreachableError(f"{shown_address(address)} cannot be asked: {_why(done.stderr)}")
    return done.stdout.decode(errors="replace")


def _why(said: bytes) -> str:
    """The first line in which git, or ssh, says what is wrong: those below it are advice."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    told = next((line for line in lines if line.startswith("fatal: ")), "")
    first = lines[0] if lines else "git says nothing"
    words = first if told in {"", "fatal: Could not read from remote repository."} else told.removeprefix("fatal: ")
    return printable(_PASSWORD.sub("[secret]", words))[:LONGEST_SAID]


def _environment(git_dir: Path | str | None) -> dict[str, str]:
    names = ("PATH", "HOME", "USER", "LOGNAME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")  # fmt: skip
    proxies = ("http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY")
    return {
        **{name: os.environ[name] for name in (*names, *proxies) if name in os.environ},
        "LC_ALL": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_SSH_COMMAND": _SSH,
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
        **{f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(_SETTINGS)},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(_SETTINGS.values())},
        **({"GIT_DIR": str(git_dir)} if git_dir else {}),
    }
