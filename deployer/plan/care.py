"""What is done to machines that are there: taken out of service, restarted, upgraded, put back, sent away. The union is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from deployer.model.subject import OfMachine
from deployer.plan.tls import FinishAuthority, ListenTls, NewAuthority, StopTls, describe_tls

if TYPE_CHECKING:
    from deployer.model.secret import Secret


@dataclass(frozen=True)
class SetAvailability(OfMachine):
    """Drain, pause or activate a member, by the manager `via`; its role and labels stay."""

    node: str
    via: str
    member: str
    """The id that the swarm has for it."""
    availability: Literal["active", "pause", "drain"]


@dataclass(frozen=True)
class AwaitDrained(OfMachine):
    """Wait until no task of the swarm is left on a machine, and each of `services` runs in full without it."""

    node: str
    via: str
    member: str
    services: tuple[str, ...]
    timeout: float


@dataclass(frozen=True)
class AwaitReady(OfMachine):
    """Wait until the managers call a machine ready (a manager: reachable, too), and each of `services` runs in full."""

    node: str
    via: str
    member: str
    services: tuple[str, ...]
    timeout: float


@dataclass(frozen=True)
class RestartMachine(OfMachine):
    """Reboot a machine, or restart the engine alone; then wait until it is back, with its engine."""

    node: str
    what: Literal["machine", "engine"]
    timeout: float


@dataclass(frozen=True)
class UpgradeEngine(OfMachine):
    """Upgrade the engine's packages, which the distribution's package manager has newer: from `old` to `new`."""

    node: str
    packages: tuple[str, ...]
    old: str
    new: str


@dataclass(frozen=True)
class PowerOff(OfMachine):
    """Switch a machine off: in good order, or (`hard`) at once, as if its cable were pulled."""

    node: str
    hard: bool = False


@dataclass(frozen=True)
class Demote(OfMachine):
    """A manager that is to go becomes a worker first, and is waited for until it is one. `away`: it cannot be asked itself."""

    node: str
    via: str
    member: str
    away: bool = False


@dataclass(frozen=True)
class LeaveSwarm(OfMachine):
    node: str


@dataclass(frozen=True)
class RemoveMember(OfMachine):
    """Take an entry out of the managers' list: of the machine `node`, which has left, or is not there any more.

    `alive`: nobody can ask it to leave, and the managers let go of it although it answers them.
    """

    node: str
    via: str
    member: str
    alive: bool = False


@dataclass(frozen=True)
class DeregisterNode(OfMachine):
    """Take a machine, and what is registered on it, out of Consul's catalogue, at the Consul server `via`."""

    node: str
    via: str


@dataclass(frozen=True)
class RemoveOwn(OfMachine):
    """Remove this cluster's own containers from a machine, and the volumes of these names."""

    node: str
    containers: tuple[str, ...]
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PurgeEngine(OfMachine):
    """Take the packages that deployer installed off a machine; the images and volumes below /var/lib/docker stay."""

    node: str


@dataclass(frozen=True)
class RotateTokens(OfMachine):
    """New join tokens for these roles: the old ones are worth nothing from then on."""

    node: str
    roles: tuple[Literal["worker", "manager"], ...]


@dataclass(frozen=True)
class RotateCa(OfMachine):
    """A new root certificate for the swarm; every member gets new certificates under it, one after the other."""

    node: str
    timeout: float


@dataclass(frozen=True)
class ForceNewCluster(OfMachine):
    """Start a swarm of one manager from what this machine knows: the quorum is gone for good."""

    node: str
    advertise: str


@dataclass(frozen=True)
class SetAutolock(OfMachine):
    """Whether a manager that restarts takes no orders before it is given the key; a new key with `rotate`."""

    node: str
    on: bool
    rotate: bool = False


@dataclass(frozen=True)
class UnlockManager(OfMachine):
    node: str
    key: Secret


CareOperation = (
    SetAvailability
    | AwaitDrained
    | AwaitReady
    | RestartMachine
    | UpgradeEngine
    | PowerOff
    | Demote
    | LeaveSwarm
    | RemoveMember
    | DeregisterNode
    | RemoveOwn
    | PurgeEngine
    | RotateTokens
    | RotateCa
    | ForceNewCluster
    | SetAutolock
    | UnlockManager
    | ListenTls
    | StopTls
    | NewAuthority
    | FinishAuthority
)


def care_mark(operation: CareOperation) -> Literal["~", ".", "-"]:
    """- takes something away, ~ changes something, . waits."""
    match operation:
        case AwaitDrained() | AwaitReady():
            return "."
        case (
            LeaveSwarm()
            | RemoveMember()
            | DeregisterNode()
            | RemoveOwn()
            | PurgeEngine()
            | StopTls()
            | FinishAuthority()
        ):
            return "-"
        case (
            SetAvailability()
            | RestartMachine()
            | UpgradeEngine()
            | PowerOff()
            | Demote()
            | RotateTokens()
            | RotateCa()
            | ForceNewCluster()
            | SetAutolock()
            | UnlockManager()
            | ListenTls()
            | NewAuthority()
        ):
            return "~"


def describe_care(operation: CareOperation) -> tuple[str, str]:  # noqa: C901, PLR0911, PLR0912 - one sentence an operation
    """(machine, what is done to it)"""
    match operation:
        case SetAvailability(node, availability="drain"):
            return node, "drain: its tasks go elsewhere"
        case SetAvailability(node, availability="pause"):
            return node, "pause: it gets no new tasks"
        case SetAvailability(node):
            return node, "activate: it takes tasks again"
        case AwaitDrained(node, services=services, timeout=timeout):
            return node, f"wait up to {timeout:.0f} s until it is empty{_and(services, 'without it')}"
        case AwaitReady(node, services=services, timeout=timeout):
            return node, f"wait up to {timeout:.0f} s until it is ready{_and(services, '')}"
        case RestartMachine(node, "machine"):
            return node, "reboot, and wait until it is back"
        case RestartMachine(node, _):
            return node, "restart the engine, and wait until it answers"
        case UpgradeEngine(node, packages, old, new):
            return node, f"upgrade {', '.join(packages)} from {old} to {new}"
        case PowerOff(node, hard):
            return node, "switch off at once" if hard else "switch off"
        case Demote(node):
            return (
                node,
                "make it a worker in the swarm's list"
                if operation.away
                else "make it a worker, and wait until it is one",
            )
        case LeaveSwarm(node):
            return node, "leave the swarm"
        case RemoveMember(node, alive=True):
            return node, "take its entry out of the swarm's list; its engine, containers and volumes stay on it"
        case RemoveMember(node):
            return node, "take its entry out of the swarm's list"
        case DeregisterNode(node):
            return node, "take it out of Consul's catalogue"
        case RemoveOwn(node, containers, volumes):
            named = [*containers, *(f"volume {name}" for name in volumes)]
            return node, f"remove {', '.join(named)}"
        case PurgeEngine(node):
            return node, "remove Docker's packages, which deployer installed"
        case RotateTokens(node, roles):
            return node, f"make new join tokens for {' and '.join(f'{role}s' for role in roles)}"
        case RotateCa(node, timeout):
            return (
                node,
                f"make a new root certificate, and wait up to {timeout:.0f} s until every member has one under it",
            )
        case ForceNewCluster(node, advertise):
            return node, f"start a swarm of this one manager at {advertise} from what it knows"
        case SetAutolock(node, rotate=True):
            return node, "make a new unlock key"
        case SetAutolock(node, on):
            return (
                node,
                "lock managers that restart until they are unlocked" if on else "let managers restart without a key",
            )
        case UnlockManager(node):
            return node, "unlock it"
        case ListenTls() | StopTls() | NewAuthority() | FinishAuthority():
            return describe_tls(operation)


def _and(services: tuple[str, ...], where: str) -> str:
    if not services:
        return ""
    named = services[0] if len(services) == 1 else f"all {len(services)} services"
    return f" and {named} {'runs' if len(services) == 1 else 'run'} in full {where}".rstrip()
