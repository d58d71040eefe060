"""Engines that listen for TLS, and the authority of their certificates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.model.subject import OfMachine
from deployer.startup import defer_imports

with defer_imports():
    from deployer.diff import tls as diff_tls

if TYPE_CHECKING:
    from deployer.diff.change import Diff
    from deployer.model.field import Field
    from deployer.plan.draft import Draft
    from deployer.plan.steps import Mark


@dataclass(frozen=True)
class ListenTls(OfMachine):
    """A new key and certificate for `names`, the engine started with `arguments` besides its own, and the proof that it serves."""

    node: str
    names: tuple[str, ...]
    arguments: str


@dataclass(frozen=True)
class StopTls(OfMachine):
    """The engine started as it was before, and key and certificate removed."""

    node: str


@dataclass(frozen=True)
class NewAuthority(OfMachine):
    """Another authority for the cluster's certificates, kept by whoever runs deployer; `node` is the first that gets one of it."""

    node: str
    cluster: str


@dataclass(frozen=True)
class FinishAuthority(OfMachine):
    """The authority before the present one is trusted no more; `node` is the first that is told so."""

    node: str
    cluster: str


TlsOperation = ListenTls | StopTls | NewAuthority | FinishAuthority


def mark(operation: TlsOperation) -> Mark:
    match operation:
        case ListenTls() | NewAuthority():
            return "~"
        case StopTls() | FinishAuthority():
            return "-"


def describe(operation: TlsOperation) -> tuple[str, str]:
    match operation:
        case ListenTls(names=names):
            words = f"listen for TLS with a new certificate for {', '.join(names)}; the engine restarts"
        case StopTls():
            words = "listen for TLS no more; the engine restarts"
        case NewAuthority(cluster=cluster):
            words = f"make another authority for {cluster}'s certificates here; the present one stays trusted"
        case FinishAuthority(cluster=cluster):
            words = f"trust the authority before the present one of {cluster} no more"
    return operation.node, words


def tls_steps(draft: Draft, diff: Diff) -> None:
    """Add the steps for TLS. Each restarts an engine with what runs there, so they come one after the other, too."""
    for change in diff.changes:
        if isinstance(change, diff_tls.TlsDiffers | diff_tls.TlsSurplus):
            operation: ListenTls | StopTls = StopTls(change.node)
            fields: tuple[Field, ...] = ()
            if isinstance(change, diff_tls.TlsDiffers):
                operation, fields = ListenTls(change.node, change.names, change.arguments), change.fields
            key = ("engine", change.node)
            number = draft.add(operation, change.cause, fields, makes=key, needs=[key, ("restart", "")])
            draft.made["restart", ""] = number
