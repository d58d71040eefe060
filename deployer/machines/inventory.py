"""A repository and names in, the machines meant out: `cluster/nodes/` of one commit is the only inventory there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError, UsageError
from deployer.model.nearest import did_you_mean
from deployer.source import load_cluster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.cluster import Cluster, Node
    from deployer.workflow.validate import Source

DEFAULT: Final = "default"
"""The machine that docker-machine takes where none is named."""


def inventory(source: Source) -> Cluster:
    """The machines of a commit, or of the working tree. Raises what reading it raises."""
    return load_cluster(source.repo, rev=source.rev, worktree=source.worktree)[1]


def choose(source: Source, names: Sequence[str]) -> tuple[Cluster, tuple[Node, ...]]:
    """The cluster, and the machines of these names in this order, each once.

    Without a name: the one called `default`, or the only one that there is. Raises UsageError where a name is no machine's.
    """
    cluster = inventory(source)
    known = {node.name: node for node in cluster.nodes}
    if not names:
        only = [known[DEFAULT]] if DEFAULT in known else list(cluster.nodes)
        if len(only) != 1:
            listed = ", ".join(list(known)[:5]) + (", ..." if len(known) > 5 else "")
            raise UsageError(f'no machine is named, and none is called "{DEFAULT}"', help=f"name one of {listed}")
        return cluster, (only[0],)
    for name in names:
        if name not in known:
            raise _unknown(source, name, known)
    return cluster, tuple(known[name] for name in dict.fromkeys(names))


def _unknown(source: Source, name: str, known: dict[str, Node]) -> UsageError:
    message = f"there is no machine {name!r}"
    if not source.worktree and any(
        (source.repo / "cluster" / "nodes" / f"{name}.{ending}").is_file() for ending in ("yaml", "yml")
    ):
        return UsageError(f"{message} in {source.rev}", help="its file is not committed: commit it, or add --worktree")
    others = "`deployer machine ls` lists them, `deployer machine add` adds one"
    return UsageError(message, help=did_you_mean(name, known, others))


def one(source: Source, name: str | None) -> tuple[Cluster, Node]:
    """The same for commands that take one machine."""
    cluster, nodes = choose(source, [name] if name else [])
    return cluster, nodes[0]


def no_local(node: Node, what: str) -> DeployerError:
    """What is said of the machine that deployer runs on where only another one makes sense."""
    return DeployerError(f"{node.name} is this machine, {what}", help="its file says `address: local`")
