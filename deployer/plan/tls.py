"""What is done about engines that listen for TLS."""

from __future__ import annotations

from dataclasses import dataclass

from deployer.model.subject import OfMachine


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


def describe_tls(operation: TlsOperation) -> tuple[str, str]:
    """(machine, what is done to it)"""
    match operation:
        case ListenTls(node, names):
            return node, f"listen for TLS with a new certificate for {', '.join(names)}; the engine restarts"
        case StopTls(node):
            return node, "listen for TLS no more; the engine restarts"
        case NewAuthority(node, cluster):
            return node, f"make another authority for {cluster}'s certificates here; the present one stays trusted"
        case FinishAuthority(node, cluster):
            return node, f"trust the authority before the present one of {cluster} no more"
