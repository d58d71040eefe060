"""A cluster in, contexts of Docker's own client out: one for each machine, and one that is the cluster's.

A context that we made says so in its description, with the cluster's name in it; only such a one is ever changed or removed.
The store is the client's own (DOCKER_CONFIG, or ~/.docker), and it is the client that writes it.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from deployer.certificates.place import CERTIFICATE, KEY, TRUSTED
from deployer.errors import DeployerError, UsageError
from deployer.machines.endpoint import endpoint
from deployer.model.printable import printable
from deployer.report.machines import ContextDocument, ContextsDocument
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deployer.model.cluster import Cluster, Node

with defer_imports():
    from deployer.certificates import store


State = Literal["created", "updated", "unchanged", "foreign", "left over", "removed"]

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]+")
"""What the client accepts (docker/cli, cli/context/store)."""
_SECONDS: Final = 20.0
FILES: Final = {"ca": TRUSTED, "cert": CERTIFICATE, "key": KEY}
"""The client's words for them; it keeps them under the same names."""


@dataclass(frozen=True)
class Context:
    name: str
    endpoint: str
    description: str
    certificates: Path | None = None
    """The folder with those for an endpoint with TLS; the client keeps a copy of them."""


@dataclass(frozen=True)
class Done:
    """What became of a context. `foreign`: one of that name is somebody else's; `left over`: git has no machine for it."""

    name: str
    endpoint: str
    state: State


def list_wanted(cluster: Cluster, prefix: str | None = None) -> tuple[Context, ...]:
    """The cluster's context, which leads to the first of its managers, and its machines'; by TLS where they have it.

    `prefix` comes before the machines' names, by default the cluster's name and a dash. Raises UsageError where that makes
    no name.
    """
    before = f"{cluster.name}-" if prefix is None else prefix
    managers = sorted((node for node in cluster.nodes if node.role == "manager"), key=lambda node: node.name)
    mark = _mark(cluster)
    folder = _certificates(cluster)

    def context(name: str, node: Node, what: str) -> Context:
        secured = folder if node.tls else None
        return Context(name, endpoint(node, ssh=secured is None), f"{mark}, {what}", secured)

    found = [context(cluster.name, node, f"at its manager {node.name}") for node in managers[:1]]
    found += [context(f"{before}{node.name}", node, node.name) for node in cluster.nodes]
    names = [context.name for context in found]
    for name in names:
        if not _NAME.fullmatch(name) or name == "default":
            raise UsageError(
                f"{name!r} can be no context's name", help="--prefix TEXT comes before the machines' names"
            )
        if names.count(name) > 1:
            raise UsageError(
                f"{name} would be the context of the cluster and of a machine", help="give another --prefix"
            )
    return tuple(found)


def sync(cluster: Cluster, prefix: str | None = None, *, prune: bool = False) -> tuple[Done, ...]:
    """Make the contexts, and correct those that lead elsewhere; with `prune` the ones that are left over go.

    Raises UsageError, DeployerError.
    """
    contexts, present = list_wanted(cluster, prefix), {one.name: one for one in _present()}
    found = [Done(one.name, one.endpoint, _make(cluster, one, present.get(one.name))) for one in contexts]
    left = [one for one in present.values() if _ours(cluster, one) and one.name not in {want.name for want in contexts}]
    if prune:
        _remove(left)
    return (*found, *(Done(one.name, one.endpoint, "removed" if prune else "left over") for one in left))


def remove(cluster: Cluster) -> tuple[Done, ...]:
    """Take away what `sync` made for this cluster."""
    ours = [one for one in _present() if _ours(cluster, one)]
    _remove(ours)
    return tuple(Done(one.name, one.endpoint, "removed") for one in ours)


def contexts_document(cluster: Cluster, done: Sequence[Done]) -> ContextsDocument:
    contexts = (ContextDocument(one.name, one.endpoint, one.state) for one in done)
    return ContextsDocument(cluster=cluster.name, contexts=tuple(contexts))


def _mark(cluster: Cluster) -> str:
    return f"deployer: cluster {cluster.name}"


def _ours(cluster: Cluster, context: Context) -> bool:
    return context.description.startswith(f"{_mark(cluster)}, ")


def _make(cluster: Cluster, context: Context, present: Context | None) -> State:
    folder = context.certificates
    files = [f"{word}={folder / name}" for word, name in FILES.items()] if folder else []
    docker = ",".join(f'"{field}"' for field in (f"host={context.endpoint}", *files))
    options = ("--description", context.description, "--docker", docker, "--", context.name)
    if present is None:
        _docker("context", "create", *options)
        return "created"
    if not _ours(cluster, present):
        return "foreign"
    if present == replace(context, certificates=None) and (folder is None or _has(context.name, folder)):
        return "unchanged"
    _docker("context", "update", *options)
    return "updated"


def _certificates(cluster: Cluster) -> Path | None:
    """The folder with this user's, where a machine wants them; None without any: SSH gets in all the same."""
    if not any(node.tls for node in cluster.nodes):
        return None

    try:
        return store.client_folder(cluster.name)
    except store.MissingError:
        return None


def _has(name: str, folder: Path) -> bool:
    """Whether the client's copy of the certificates is what is in the folder by now."""
    kept = Path(json.loads(_docker("context", "inspect", "--", name))[0]["Storage"]["TLSPath"]) / "docker"
    try:
        return all((kept / file).read_bytes() == (folder / file).read_bytes() for file in FILES.values())
    except OSError:
        return False


def _remove(contexts: Iterable[Context]) -> None:
    """By force: one that is in use goes too, and the client is back at the engine of this machine."""
    if names := [context.name for context in contexts]:
        _docker("context", "rm", "--force", "--", *names)


def _present() -> list[Context]:
    told = (json.loads(line) for line in _docker("context", "ls", "--format", "json").splitlines())
    return [Context(one["Name"], one["DockerEndpoint"], one["Description"]) for one in told]


def _docker(*words: str) -> str:
    try:
        done = subprocess.run(
            ("docker", *words), capture_output=True, text=True, timeout=_SECONDS, check=False, errors="replace"
        )
    except FileNotFoundError:
        raise DeployerError(
            "there is no `docker` on this machine", help="install Docker's client (docker-cli)"
        ) from None
    except subprocess.TimeoutExpired:
        raise DeployerError(f"`docker {' '.join(words[:2])}` did not end within {_SECONDS:g} s") from None
    if done.returncode != 0:
        said = [printable(line) for line in done.stderr.splitlines() if line.strip()]
        raise DeployerError(f"`docker {' '.join(words[:2])}` failed: {said[-1] if said else 'it gives no reason'}")
    return done.stdout
