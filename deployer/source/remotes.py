"""Remotes: the only calls of git that leave this machine. The address is the operator's, never a push's.

Whoever runs this has configured how remotes are reached (~/.gitconfig, ~/.ssh/config, the agent); nothing is asked at a
terminal, redirects are not followed, and what does not move on is ended. git and ssh, which read what a stranger's machine
sends, run in a cage: they have that configuration, the network, and the one repository that they write to.
"""

from __future__ import annotations

import os
import pwd
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from deployer.cage.children import run_caged
from deployer.cage.rules import GIB, Limits, Rules
from deployer.errors import UnreachableError, UsageError
from deployer.model.printable import printable
from deployer.source import git
from deployer.user_files import config_home, home

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOOK_SECONDS: Final = 60.0
FETCH_SECONDS: Final = 900.0
LONGEST_SAID: Final = 300
PROGRAMS: Final = (
    "/bin",
    "/usr/bin",
    "/usr/libexec/git-core",
    "/usr/share/git-core",
    "/usr/share/perl5",
    "/usr/share/perl",
)
CONFIGURATION: Final = ("/etc/gitconfig", "/etc/ssh", "/etc/passwd", "/etc/group", "/usr/share/ssh", "/var/lib/sss/mc")
NAME_SERVICES: Final = ("/var/lib/sss/pipes/nss", "/var/run/nscd/socket", "/run/nscd/socket")
"""Where the C library asks who a user is, where users are not in a file."""
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
        # A branch that has gone is no order to remove everything: what runs stays.
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
    argv, environment = (git.executable(), *arguments), _environment(git_dir)
    ended = run_caged(argv, rules=_rules(address, git_dir, seconds, environment), environment=environment)
    if ended.beyond:
        raise UnreachableError(f"{shown_address(address)} does not answer within {ended.beyond}")
    if ended.code != 0:
        raise UnreachableError(f"{shown_address(address)} cannot be asked: {_why(ended.err)}")
    return ended.out.decode(errors="replace")


def _rules(address: str, git_dir: Path | str | None, seconds: float, environment: Mapping[str, str]) -> Rules:
    """What git, and ssh by its order, need: programs, their configuration, keys and certificates; the remote where it is a path."""
    own = home(environment)
    keys = sorted({f"{own}/.ssh", f"{_own_home(str(own))}/.ssh"})
    named = [environment[name] for name in ("GIT_CONFIG_GLOBAL",) if name in environment]
    local = unquote(address.removeprefix("file://")) if address.startswith(("/", "file://")) else ""
    return Rules(
        run=tuple(
            folder
            for folder in (*environment.get("PATH", os.defpath).split(os.pathsep), *PROGRAMS)
            if folder.startswith("/")
        ),
        read=(
            *CONFIGURATION,
            *(f"{own}/{name}" for name in (".gitconfig", ".git-credentials", ".netrc")),
            *keys,
            config_home(environment) / "git",
            *named,
            *([local] if local else []),
        ),
        write=(git_dir,) if git_dir else (),
        sockets=(*NAME_SERVICES, *([environment["SSH_AUTH_SOCK"]] if environment.get("SSH_AUTH_SOCK") else [])),
        tcp=not local,
        processes=100,
        limits=Limits(seconds=seconds, cpu=600, memory=4 * GIB, file=4 * GIB),
    )


def _own_home(otherwise: str) -> str:
    """Where ssh looks: in the home that the system knows, whatever HOME says."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return otherwise


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
