"""Every kind of operation, by domain: the union is closed.

An operation is a small value: one API call, one command, or one wait. Its domain's module here says it in words; the module of the
same name in `execute` does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, get_args

from deployer.plan import consul, images, keys, machines, maintenance, projects, registrator, stacks, swarm, tls

if TYPE_CHECKING:
    from deployer.plan.steps import Mark

Operation = (
    machines.MachineOperation
    | swarm.SwarmOperation
    | keys.KeyOperation
    | consul.ConsulOperation
    | registrator.RegistratorOperation
    | images.ImageOperation
    | stacks.StackOperation
    | projects.ProjectOperation
    | maintenance.MaintenanceOperation
    | tls.TlsOperation
)


class Words(Protocol):
    """A domain's module: what its operations are in words."""

    __name__: str

    def mark(self, operation: Any, /) -> Mark: ...

    def describe(self, operation: Any, /) -> tuple[str, str]: ...


UNIONS: Final[tuple[tuple[Any, Words], ...]] = (
    (machines.MachineOperation, machines),
    (swarm.SwarmOperation, swarm),
    (keys.KeyOperation, keys),
    (consul.ConsulOperation, consul),
    (registrator.RegistratorOperation, registrator),
    (images.ImageOperation, images),
    (stacks.StackOperation, stacks),
    (projects.ProjectOperation, projects),
    (maintenance.MaintenanceOperation, maintenance),
    (tls.TlsOperation, tls),
)
_WORDS: Final = {kind: words for union, words in UNIONS for kind in get_args(union)}


def domain(operation: Operation) -> str:
    """The name of its domain's modules in `plan` and `execute`."""
    return _WORDS[type(operation)].__name__.rpartition(".")[2]


def mark(operation: Operation) -> Mark:
    """+ makes something, ~ changes something, - removes it, -/+ puts another in its place, . waits."""
    return _WORDS[type(operation)].mark(operation)


def describe(operation: Operation) -> tuple[str, str]:
    """(subject, what is done to it), in words that also read well as progress."""
    return _WORDS[type(operation)].describe(operation)


def on_failure(operation: Operation) -> list[str]:
    """What a wait does about services that fail, a line each."""
    return stacks.on_failure(operation) if isinstance(operation, stacks.StackOperation) else []
