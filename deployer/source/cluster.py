"""Validate the cluster file and the machines' files: they make a `Cluster`."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec import structs

from deployer.document import shortened
from deployer.model.allowed import EVERYTHING
from deployer.model.cluster import Cluster, ClusterFile, Engine, Node, NodeFile, Ssh
from deployer.model.problem import Problem
from deployer.source import known_hosts, machines, permitted, registrator
from deployer.source.layout import CLUSTER_FILES, NODES
from deployer.source.machines import Machine
from deployer.source.typed import MOST_PROBLEMS, convert

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.document import Document
    from deployer.model.allowed import Allowed
    from deployer.source.files import Entry

_TLS: Final = (
    "SSH carries the engine's socket; where TLS is wanted, `engine: {tls: true}` sees to keys and certificates"
)
_REMOVED: Final = "Docker 23 removed it, and the engine would not start"
_DAEMON: Final = {
    "api-cors-header": "it lets web pages at the engine, and newer engines do not start with it",
    "hosts": "the engine's service already says where it listens, and with both it does not start",
    "storage-driver": "on Engine 29 it switches the image store and hides the images that are there",
    **dict.fromkeys(("tls", "tlsverify", "tlscacert", "tlscert", "tlskey"), _TLS),
    **dict.fromkeys(("cluster-store", "cluster-store-opts", "cluster-advertise"), _REMOVED),
}
"""Settings of daemon.json that would break a machine, and why."""


LABEL_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?")


def validate(
    cluster: Document | None,
    nodes: Mapping[str, Document | None],
    hosts: Entry | None,
    *,
    stacks: bool,
    complete: bool,
    allowed: Allowed = EVERYTHING,
) -> tuple[Cluster | None, list[Problem]]:
    """The cluster, or none where its files have problems; warnings come beside a cluster.

    A document that is None could not be parsed, which its own problems say. `stacks`: whether there are any to run;
    `complete`: whether these are all files, so that what is not here is nowhere. `allowed`: what they may name on this machine.
    """
    problems: list[Problem] = []
    file: ClusterFile | None = None
    if cluster is not None:
        file, found = convert(cluster, ClusterFile)
        problems += [*found, *_daemon_problems(cluster), *permitted.cluster_problems(cluster, allowed)]
    read: list[Machine] = []
    for name, document in sorted(nodes.items()):
        if document is None:
            continue
        node, found = convert(document, NodeFile)
        problems += [*found, *_daemon_problems(document), *permitted.node_problems(document, allowed)]
        complete = complete and not found
        if node is not None:
            problems += islice(_label_problems(document, node), MOST_PROBLEMS)
            ssh, engine = _inherited(document, node, file)
            read.append(Machine(name, document, node, ssh, engine))
    problems += machines.alone_and_together(read)
    if complete:  # what is absent may stand in a file that could not be read
        problems += machines.roles(read, stacks=stacks)
        if file is not None and cluster is not None:
            problems += machines.consul(read, cluster, wanted=file.consul is not None)
    if file is not None and cluster is not None:
        problems += registrator.problems(file, cluster)
    text, found = known_hosts.read(hosts.path, hosts.data) if hosts is not None else ("", [])
    problems += found
    if file is None or any(problem.severity == "error" for problem in problems):
        return None, problems
    nodes_ = tuple(_node(machine) for machine in read)
    image = registrator.image(file.registrator)
    made = Cluster(file.name, nodes_, file.consul, text, file.registrator, image)
    return replace(made, policy=file.policy, images=file.images, proxy=file.proxy, allowed=allowed), problems


def absent(cluster: Entry | None, nodes: Mapping[str, Entry]) -> Iterator[Problem]:
    """What a repository cannot do without."""
    if cluster is None:
        yield Problem(CLUSTER_FILES[0], 0, 0, "does not exist", "`deployer init` writes one")
    if not nodes:
        yield Problem(
            NODES.rstrip("/"), 0, 0, "has no machine", f"write {NODES}NAME.yaml, or let `deployer init` do it"
        )


def _inherited(document: Document, node: NodeFile, cluster: ClusterFile | None) -> tuple[Ssh, Engine]:
    """The node's sections over the cluster's: what a node's file does not say is the cluster's."""
    ssh, engine = (cluster.ssh, cluster.engine) if cluster is not None else (Ssh(), Engine())
    if node.ssh is not None:
        ssh = structs.replace(ssh, **{key: getattr(node.ssh, key) for key in _given(document, "ssh", node.ssh)})
    own = node.engine
    if own is not None:
        engine = structs.replace(
            engine, **{key: getattr(own, key) for key in _given(document, "engine", own) - {"daemon"}}
        )
    daemon = engine.daemon | (own.daemon if own is not None else {})
    return ssh, structs.replace(
        engine, daemon={key: value for key, value in sorted(daemon.items()) if value is not None}
    )


def _given(document: Document, section: str, struct: Ssh | Engine) -> set[str]:
    """The fields of a section that its file names; what they are not given has the struct's default, which says nothing."""
    return set(document.value[section]) & set(struct.__struct_fields__)


def _daemon_problems(document: Document) -> Iterator[Problem]:
    engine = document.value.get("engine") if isinstance(document.value, dict) else None
    daemon = engine.get("daemon") if isinstance(engine, dict) else None
    for key, value in daemon.items() if isinstance(daemon, dict) else ():
        reason = _DAEMON.get(key.lower())
        if reason is not None and value is not None:
            yield document.problem(
                ("engine", "daemon", key), f"engine.daemon cannot have {key!r}", f"remove it: {reason}", key=True
            )


def _label_problems(document: Document, node: NodeFile) -> Iterator[Problem]:
    """What Docker advises for label names (docs.docker.com, "Docker object labels"); `deployer.` is ours."""
    for key in node.labels:
        if not LABEL_NAME.fullmatch(key) or key.startswith("deployer."):
            advice = "letters, digits, dots, hyphens and underscores; names that begin with `deployer.` are taken"
            yield document.problem(
                ("labels", key), f"{shortened(key)!r} cannot be the name of a label", advice, key=True
            )


def _node(machine: Machine) -> Node:
    file = machine.file
    return Node(
        name=machine.name,
        address=file.address,
        role=file.swarm,
        advertise=file.advertise,
        labels=tuple(sorted(file.labels.items())),
        availability=file.availability,
        consul=file.consul,
        ssh=machine.ssh,
        engine=machine.engine,
        path=machine.document.path,
    )
