"""Keep only those variables of a hook's environment that deployer needs: whoever pushes may have set all of them."""

from __future__ import annotations

import os
import pwd
import re
from typing import TYPE_CHECKING, Final

from deployer.model.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST: Final = 200
_KEPT: Final = re.compile(
    r"HOME|USER|LOGNAME|LANG|LC_[A-Z]+|TZ|TMPDIR|XDG_[A-Z_]+|SSH_(AUTH_SOCK|CONNECTION)|GATEWAY_INTERFACE|REMOTE_(USER|ADDR)|DOCKER_HOST|SOPS_AGE_(KEY_FILE|SSH_PRIVATE_KEY_FILE)|NO_COLOR|DEPLOYER_[A-Z_]+"
    r"|GIT_(QUARANTINE_PATH|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|INDEX_FILE|PUSH_CERT_(SIGNER|STATUS))"
    r"|GIT_PUSH_OPTION_(COUNT|[0-9]{1,3})"
)


def concerning_us(environment: Mapping[str, str]) -> dict[str, str]:
    """What stays: who and where one is, the agent, git's quarantine and push options; of PATH the absolute folders."""
    path = [folder for folder in environment.get("PATH", os.defpath).split(os.pathsep) if folder.startswith("/")]
    kept = {name: value for name, value in environment.items() if _KEPT.fullmatch(name)}
    return kept | {"PATH": os.pathsep.join(path) or os.defpath}


def pusher(environment: Mapping[str, str]) -> str:
    """Who pushes, as far as this machine knows: the signer of the push, who a web server let in, the user; and from where.

    A web server runs git as a CGI program (git-http-backend(1), RFC 3875); elsewhere its variables are anybody's.
    """
    signer = environment.get("GIT_PUSH_CERT_SIGNER", "") if environment.get("GIT_PUSH_CERT_STATUS") == "G" else ""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"user {os.getuid()}"
    address = environment.get("SSH_CONNECTION", "").partition(" ")[0]
    if not address and environment.get("GATEWAY_INTERFACE"):
        address = environment.get("REMOTE_ADDR", "")
        user = environment.get("REMOTE_USER") or user
    return printable(f"{signer or user}{f' from {address}' if address else ''}")[:LONGEST]
