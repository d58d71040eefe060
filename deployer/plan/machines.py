"""Machines: their engine, its daemon.json, and the containers of the cluster's own on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from deployer.model.subject import OfMachine
from deployer.startup import defer_imports

with defer_imports():
    from deployer.diff import machines as diff_machines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.diff.change import Diff
    from deployer.model.secret import SecretFile
    from deployer.plan.draft import Draft
    from deployer.plan.steps import Mark


@dataclass(frozen=True)
class InstallEngine(OfMachine):
    """Install Docker: from the distribution's packages, or from Docker's own repository."""

    node: str
    method: Literal["distro", "docker"]


@dataclass(frozen=True)
class WriteDaemonJson(OfMachine):
    """Write /etc/docker/daemon.json, and have a running engine read it: not at all, by SIGHUP, or by a restart."""

    node: str
    text: str
    effect: Literal["none", "reload", "restart"]


@dataclass(frozen=True)
class RunContainer(OfMachine):
    """Pull the image where it is missing, remove our own container of that name, create this one, start it.

    `files` are put into it between the last two. `leaves`: once the old one has stopped, what that registered is taken out of
    the Consul at this address, as seen from the machine.
    """

    node: str
    name: str
    image: str
    body: Mapping[str, Any]
    files: tuple[SecretFile, ...] = ()
    leaves: str = ""


@dataclass(frozen=True)
class RetireContainer(OfMachine):
    """Stop and remove a container of ours; its volumes stay.

    A Consul leaves its cluster first, so that the others do not wait for it. What a registrator has put into the Consul at
    `leaves`, as seen from the machine, is taken out.
    """

    node: str
    name: str
    role: str
    leaves: str = ""


MachineOperation = InstallEngine | WriteDaemonJson | RunContainer | RetireContainer


def mark(operation: MachineOperation) -> Mark:
    match operation:
        case InstallEngine() | RunContainer():
            return "+"
        case WriteDaemonJson():
            return "~"
        case RetireContainer():
            return "-"


def describe(operation: MachineOperation) -> tuple[str, str]:
    match operation:
        case InstallEngine(method="distro"):
            words = "install Docker from the distribution's packages"
        case InstallEngine():
            words = "install Docker from Docker's own repository"
        case WriteDaemonJson(effect=effect):
            after = {
                "none": "before the engine's first start",
                "reload": "the engine reloads it",
                "restart": "the engine restarts",
            }
            words = f"write daemon.json, {after[effect]}"
        case RunContainer(name=name, image=image, leaves=leaves):
            words = f"run {name} from {image}"
            words += f", and take what it registered out of the Consul at {leaves}" if leaves else ""
        case RetireContainer(name=name, role="Consul"):
            words = f"leave Consul and remove {name}; its volume stays"
        case RetireContainer(name=name, leaves=leaves):
            words = f"remove {name}"
            words += f", and take what it registered out of the Consul at {leaves}" if leaves else ""
    return operation.node, words


def engine_steps(draft: Draft, diff: Diff) -> None:
    """Add the steps for daemon.json and engines. daemon.json comes before an engine is installed, so that it is right at the first start.

    Engines restart one after the other, and none after one that did not come back: a setting that dockerd refuses
    must not take down every machine, and managers that restart at once leave the swarm without a quorum.
    """
    for change in diff.changes:
        if isinstance(change, diff_machines.DaemonJson):
            operation = WriteDaemonJson(change.node, change.text, change.effect)
            restarts = change.effect == "restart"
            number = draft.add(
                operation,
                change.cause,
                change.fields,
                makes=("engine", change.node),
                needs=[("restart", "")] if restarts else [],
            )
            if restarts:
                draft.made["restart", ""] = number
    for change in diff.changes:
        if isinstance(change, diff_machines.EngineMissing):
            key = ("engine", change.node)
            draft.add(InstallEngine(change.node, change.method), change.cause, makes=key, needs=[key])
