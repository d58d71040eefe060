"""A machine that is wanted in, its file and its host key in the repository out; the machine itself is only looked at.

Everything is checked before the first file is written, so that nothing is left half done.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deployer.errors import UnreachableError, UsageError
from deployer.machines import check, node_file
from deployer.machines.host_key import agree, show
from deployer.model.counts import Edited
from deployer.model.observed import Unreachable
from deployer.model.patterns import NAME_PATTERN
from deployer.observe.machines import observe_machine
from deployer.remote import Link
from deployer.source import load_cluster
from deployer.source.commit import commit_edited, content, write_edited
from deployer.source.layout import KNOWN_HOSTS
from deployer.source.words import PATTERNS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from deployer.docker import Engine as EngineApi
    from deployer.machines.host_key import Agree, Shown
    from deployer.machines.node_file import Wanted
    from deployer.model.cluster import Cluster, Node
    from deployer.model.observed import Machine
    from deployer.workflow.validate import Source

    Refine = Callable[[Wanted, Machine, Cluster], Awaitable[Wanted]]


@dataclass(frozen=True)
class Consent:
    """How a host key comes to be believed: it is named, everything is, or somebody is asked."""

    fingerprint: str | None = None
    yes: bool = False
    ask: Agree | None = None


@dataclass(frozen=True)
class Added:
    """A machine that has its file now; `told` are lines on what was found there."""

    wanted: Wanted
    shown: Shown | None
    machine: Machine
    told: tuple[str, ...]


def free(source: Source, name: str) -> None:
    """Raise UsageError where the name is none, or a machine has it."""
    if not re.search(NAME_PATTERN, name):
        raise UsageError(f"{name!r} is no name for a machine", help=f"a name has {PATTERNS[NAME_PATTERN]}")
    for ending in ("yaml", "yml"):
        path = f"cluster/nodes/{name}.{ending}"
        if content(source.repo, path) is not None:
            raise UsageError(f"the machine {name} is already in {path}", help="edit that file, or choose another name")


async def survey(
    source: Source, wanted: Wanted, consent: Consent, refine: Refine | None = None, beside: Sequence[Wanted] = ()
) -> Added:
    """Look at the machine, as its file would have it. Nothing is written.

    `beside` are the machines that are added together with it: a worker's manager may be among them.

    Raises InvalidFilesError with what is wrong with the file, UnreachableError, and what `agree` and `refuse` raise.
    `refine` says what else is known once the machine has answered.
    """
    free(source, wanted.name)
    cluster, node = _as_file(source, wanted, beside)

    shown = None
    trusted = cluster
    if not node.local:
        shown = await show(node, cluster.known_hosts)
        agree(node.name, shown, fingerprint=consent.fingerprint, yes=consent.yes, ask=consent.ask)
        trusted = _trusting(cluster, shown)
    engines: dict[str, EngineApi] = {}
    async with Link(trusted) as link:
        found = await observe_machine(link, node.name, cluster.name, engines)
        for engine in engines.values():
            engine.close()
    if isinstance(found, Unreachable):
        raise UnreachableError(f"{node.name}: {found.reason}", help=found.help)
    if refine:
        wanted = await refine(wanted, found, trusted)
        cluster, node = _as_file(source, wanted, beside)
    check.refuse(node, found)
    return Added(wanted, shown, found, tuple(check.describe_machine(node, found)))


def write(source: Source, added: Sequence[Added], message: str | None) -> str | None:
    """Write the files of all of them, and commit exactly those where there is a message: the commit's id.

    Raises InvalidFilesError where the files together are wrong, and what git's refusals raise; then nothing is changed.
    """
    edited = [_new_file(one.wanted) for one in added]
    lines = [one.shown.line for one in added if one.shown and one.shown.vouched != KNOWN_HOSTS]
    old = content(source.repo, KNOWN_HOSTS)
    present = (old or b"").decode("utf-8", "replace")
    new = [line for line in lines if line not in present.splitlines(keepends=True)]
    if new:
        gap = "" if present.endswith("\n") or not present else "\n"
        edited.append(Edited(KNOWN_HOSTS, old, (present + gap + "".join(new)).encode()))
    load_cluster(source.repo, worktree=True, edited=edited)
    if message is not None:
        return commit_edited(source.repo, edited, message)
    write_edited(source.repo, edited)
    return None


def _new_file(wanted: Wanted) -> Edited:
    return Edited(wanted.path, None, node_file.text(wanted).encode())


def _as_file(source: Source, wanted: Wanted, beside: Sequence[Wanted]) -> tuple[Cluster, Node]:
    """The cluster with this file in it, and those of the others."""
    others = (one for one in beside if one.name != wanted.name)
    _, cluster = load_cluster(source.repo, worktree=True, edited=[*map(_new_file, (wanted, *others))])
    return cluster, cluster.node(wanted.name)


def _trusting(cluster: Cluster, shown: Shown) -> Cluster:
    text = cluster.known_hosts
    return replace(cluster, known_hosts=f"{text.rstrip()}\n{shown.line}" if text.strip() else shown.line)
