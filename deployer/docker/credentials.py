"""Credentials for registries, from the Docker config of whoever runs this (docs.docker.com/reference/cli/docker, config.json).

They go into the header X-Registry-Auth of requests to an engine and nowhere else: no argument, label, log, cache or plan.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import DeployerError
from deployer.model.allowed import EVERYTHING, REGISTRY, Allowed
from deployer.model.command import Command
from deployer.model.reference import HUB, registry
from deployer.model.secret import Secret
from deployer.remote.local import LocalConnection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEADER: Final = "X-Registry-Auth"
HUB_KEY: Final = "https://index.docker.io/v1/"
"""Under which Docker Hub stands in the file, and what its helpers are asked for."""
HELPER_SECONDS: Final = 15.0
LARGEST: Final = 1 << 20
NO_PROGRAM: Final = 127
"""The status of a program that is not there, as shells have it."""
_HELPER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NOT_FOUND: Final = "credentials not found in native keychain"
"""What a helper prints that has none (docker/docker-credential-helpers, credentials/error.go)."""


@dataclass
class Credentials:
    """What one run knows: the file is read once, a helper is asked once for each registry."""

    path: Path | None = None
    """The config file; by default the one that `docker` itself would read."""
    allowed: Allowed = EVERYTHING
    """For which registries a machine may be given them: whoever pushes names the machines, too."""
    _config: Mapping[str, Any] | None = None
    _asked: dict[str, asyncio.Task[Secret | None]] = field(default_factory=dict)

    async def headers(self, image: str) -> dict[str, str]:
        """The header for the image's registry; none where there are no credentials for it, or they may not be given away.

        Raises DeployerError.
        """
        host = registry(image)
        if not self.allowed.may_log_in(host):
            return {}
        if host not in self._asked or self._asked[host].cancelled():
            self._asked[host] = asyncio.ensure_future(self._find(host))
        found = await asyncio.shield(self._asked[host])
        return {HEADER: found.reveal()} if found else {}

    def advice(self, image: str) -> str:
        """What lets the credentials for the image's registry be used; empty where they may be."""
        host = registry(image)
        return "" if self.allowed.may_log_in(host) else self.allowed.advice(f"{REGISTRY}{host}")

    async def of(self, images: Iterable[str]) -> dict[str, Any]:
        """The `auths` of a Docker config file, for the registries of these images only. A registry whose helper fails is left out."""
        auths: dict[str, Any] = {}
        for image in images:
            with contextlib.suppress(DeployerError):  # whoever pulls without says what is missing
                header = (await self.headers(image)).get(HEADER)
                entry = json.loads(base64.urlsafe_b64decode(header)) if header else {}
                if "identitytoken" in entry:
                    auths[entry["serveraddress"]] = {"identitytoken": entry["identitytoken"]}
                elif entry:
                    packed = base64.b64encode(f"{entry['username']}:{entry['password']}".encode()).decode()
                    auths[entry["serveraddress"]] = {"auth": packed}
        return auths

    async def _find(self, host: str) -> Secret | None:
        if self._config is None:
            self._config = _read(self.path or default_path())
        key = HUB_KEY if host == HUB else host
        helper = _mapping(self._config.get("credHelpers")).get(host if host != HUB else key) or self._config.get(
            "credsStore"
        )
        entry = await _ask(str(helper), key) if helper else _entry(_mapping(self._config.get("auths")), host)
        if not entry:
            return None
        packed = json.dumps({**entry, "serveraddress": key}).encode()
        return Secret(base64.urlsafe_b64encode(packed).decode())


def default_path() -> Path:
    folder = os.environ.get("DOCKER_CONFIG", "")
    return (Path(folder) if folder else Path(os.environ.get("HOME") or "/nonexistent", ".docker")) / "config.json"


def _read(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise DeployerError(f"{path} cannot be read: {error.strerror}", help="check its owner and mode") from None
    except ValueError:
        raise DeployerError(f"{path} is no JSON", help="`docker login` writes it") from None
    return _mapping(found)


def _entry(auths: Mapping[str, Any], host: str) -> dict[str, str]:
    """The entry of the registry; its key may be an address with a scheme and a path (docker/cli, ConvertToHostname)."""
    keys = [key for key in auths if _host(key) == ("index.docker.io" if host == HUB else host)]
    exact = HUB_KEY if host == HUB else host
    for key in sorted(keys, key=lambda key: key != exact):
        given = _mapping(auths[key])
        if token := given.get("identitytoken"):
            return {"identitytoken": str(token)}
        if given.get("username"):
            return {"username": str(given["username"]), "password": str(given.get("password", ""))}
        with contextlib.suppress(ValueError):
            user, colon, password = base64.b64decode(str(given.get("auth", ""))).decode().partition(":")
            if colon:
                return {"username": user, "password": password.rstrip("\0")}
    return {}


def _host(key: str) -> str:
    return re.sub("^https?://", "", key).partition("/")[0]


async def _ask(helper: str, key: str) -> dict[str, str]:
    """What `docker-credential-HELPER get` says, which is asked by standard input; nothing where it knows none.

    Raises DeployerError, and TimedOutError where it does not answer in time.
    """
    if not _HELPER.fullmatch(helper):
        raise DeployerError(
            f"the Docker config names a credential helper {helper[:64]!r}", help="that is no name of one"
        )
    program = f"docker-credential-{helper}"
    command = Command((program, "get"), stdin=key.encode(), timeout=HELPER_SECONDS)
    done = await LocalConnection().run(command)
    if done.status == NO_PROGRAM:
        advice = "install it, or take it out of the Docker config"
        raise DeployerError(f"{program}, which the Docker config names, cannot be started", help=advice)
    if not done.ok:
        if done.stdout.strip() == _NOT_FOUND:
            return {}
        # Its words are not repeated: nobody knows what is in them.
        raise DeployerError(f"{program} failed for {key} with status {done.status}", help="try `docker login`")
    try:
        answer = json.loads(done.stdout)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        raise DeployerError(f"{program} does not answer as a credential helper does", help="see its manual") from None
    return {"identitytoken": secret} if user == "<token>" else {"username": user, "password": secret}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
