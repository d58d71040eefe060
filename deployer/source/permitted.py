"""What the files name on the machine that deploys, against what is allowed: each at its line, with the setting that lets it in.

Other people's files decide what runs on the cluster's machines. What they may make the machine that deploys read, ask and
connect to is decided there, in `deployer.allow` (docs/security.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.document import shortened
from deployer.encrypted import kind_of
from deployer.model.allowed import DAEMON, LOCAL, SUDO_PASSWORD, full_path
from deployer.model.problem import Problem
from deployer.startup import defer_imports

with defer_imports():  # only where something is encrypted
    from deployer.encrypted import check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deployer.document import Document, Path
    from deployer.model.allowed import Allowed
    from deployer.source.files import Entry

KEY_FILES: Final[tuple[Path, ...]] = (
    ("consul", "token_file"),
    ("consul", "gossip_key_file"),
    ("ssh", "identity_file"),
)
"""Every key of the files under cluster/ whose value is a path on the machine that deploys."""

OPENING: Final = {
    "authorization-plugins": "it decides who may ask the engine for what",
    "group": "who is in that group is root on the machine",
}
"""Settings of daemon.json that change who may use the engine, and how. Those that let anybody at it no run may have."""


def cluster_problems(document: Document, allowed: Allowed) -> Iterator[Problem]:
    """Of the cluster's file or a machine's; what is no string is somebody else's problem."""
    if allowed.everything:
        return
    for at in KEY_FILES:
        name = _found(document, at)
        if isinstance(name, str) and name and not allowed.may_read(name):
            yield _key_file(document, at, name, allowed)
    if _found(document, ("ssh", "sudo")) == "password" and not allowed.may_give_sudo_password:
        message = "sudo's password is this account's, and would be given to the machines that are named here"
        yield document.problem(("ssh", "sudo"), message, allowed.advice(SUDO_PASSWORD))
    daemon = _found(document, ("engine", "daemon"))
    for key, value in daemon.items() if isinstance(daemon, dict) else ():
        name = key.lower()
        if value is not None and name in OPENING and not allowed.may_set(name):
            message = f"engine.daemon.{name} is not for other people's files: {OPENING[name]}"
            yield document.problem(("engine", "daemon", key), message, allowed.advice(f"{DAEMON}{name}"), key=True)


def node_problems(document: Document, allowed: Allowed) -> Iterator[Problem]:
    """Of a machine's file: where it is reached, and what `cluster_problems` says."""
    address = _found(document, ("address",))
    if isinstance(address, str) and address and not allowed.may_reach(address):
        message = f"{shortened(address)} is the machine that deploys"
        yield document.problem(("address",), message, allowed.advice(LOCAL))
    yield from cluster_problems(document, allowed)


def encrypted_problems(files: Iterable[Entry], allowed: Allowed) -> Iterator[Problem]:
    """Of encrypted files that nothing but a key service could open."""
    if allowed.everything:
        return
    for entry in files:
        kind = kind_of(entry.path, entry.data)
        if kind is None or kind == "age":
            continue
        for place in check.find_refusals(kind, entry.data, allowed):
            at = entry.path, place.line, place.column
            yield Problem(*at, place.message, place.help, source=place.source, width=place.width)


def _key_file(document: Document, at: Path, name: str, allowed: Allowed) -> Problem:
    setting = ".".join(map(str, at))
    path = full_path(name, allowed.home)
    if not path:
        message = f"{setting}: {shortened(name)} is no full path, and nobody can tell which file it would be"
        return document.problem(at, message, "write it from / or ~/ on")
    message = f"{setting} names a file of the machine that deploys: {shortened(name)}"
    return document.problem(at, message, allowed.advice(path))


def _found(document: Document, at: Path) -> Any:
    value = document.value
    for step in at:
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value
