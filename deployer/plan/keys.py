"""The swarm's keys: join tokens, its root certificate, and what unlocks a manager."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from deployer.model.subject import OfMachine

if TYPE_CHECKING:
    from deployer.model.secret import Secret
    from deployer.plan.steps import Mark


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
class SetAutolock(OfMachine):
    """Whether a manager that restarts takes no orders before it is given the key; a new key with `rotate`."""

    node: str
    on: bool
    rotate: bool = False


@dataclass(frozen=True)
class UnlockManager(OfMachine):
    node: str
    key: Secret


KeyOperation = RotateTokens | RotateCa | SetAutolock | UnlockManager


def mark(operation: KeyOperation) -> Mark:
    match operation:
        case RotateTokens() | RotateCa() | SetAutolock() | UnlockManager():
            return "~"


def describe(operation: KeyOperation) -> tuple[str, str]:
    match operation:
        case RotateTokens(roles=roles):
            words = f"make new join tokens for {' and '.join(f'{role}s' for role in roles)}"
        case RotateCa(timeout=timeout):
            words = f"make a new root certificate, and wait up to {timeout:.0f} s until every member has one under it"
        case SetAutolock(rotate=True):
            words = "make a new unlock key"
        case SetAutolock(on=on):
            words = "lock managers that restart until they are unlocked" if on else "let managers restart without a key"
        case UnlockManager():
            words = "unlock it"
    return operation.node, words
