"""Do the actions: one inspect and one request each. Holds the state that this needs, and knows nothing of loops or streams."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from deployer.registrator.agent import AgentDeniesError, AgentDownError, AgentRefusesError
from deployer.registrator.container import Container, NoContainerError, read_container
from deployer.registrator.diff import (
    Deregister,
    Operation,
    Register,
    SetStatus,
    may_take,
    operations,
    registered,
)
from deployer.registrator.engine import Engine, EngineError
from deployer.registrator.events import Look, OfContainer, Stops, Withdraw, is_container, stays, stops
from deployer.registrator.ledger import Ledger
from deployer.registrator.mesh import TASK
from deployer.registrator.said import Once
from deployer.registrator.services import Found, Service, services

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.registrator.agent import Agent
    from deployer.registrator.flags import Options
    from deployer.registrator.network import Host

WAITING: Final = 10.0
"""Seconds after which what an agent or engine refused for now is tried again."""


class Reconciler:
    """Brings one owner at a time into agreement; `again` has an owner looked at once more."""

    def __init__(
        self, options: Options, agent: Agent, say: Callable[[str], None], again: Callable[[str], object]
    ) -> None:
        self.ledger = Ledger()
        self.engine: Engine | None = None
        self.host: Host | None = None
        self.mesh: dict[str, Found] | None = None
        """What the swarm's mesh has to offer by owner; None while that is not known."""
        self.known: dict[str, Stops] = {}
        self.agent_down = threading.Event()
        self.later: dict[str, float] = {}
        """Owners to be looked at again, and when (monotonic)."""
        self._options = options
        self._agent = agent
        self._say = say
        self._once = Once(say)
        self._again = again
        self._held: set[str] = set()
        self._waiting: dict[str, set[str]] = {}
        self._dependents: dict[str, set[str]] = {}

    def do(self, action: OfContainer) -> None:
        """Never raises: what fails is said, and tried again when that makes sense."""
        try:
            match action:
                case Look(owner, anew):
                    if anew:
                        self._held.discard(owner)
                        self.later.pop(owner, None)
                    self._look(owner)
                case Withdraw(owner, hold):
                    if hold:
                        self._held.add(owner)
                        self.later[owner] = time.monotonic() + hold
                    self._apply(owner, [Deregister(entry.id) for entry in self.ledger.of(owner)])
        except EngineError as error:
            self.later[action.owner] = time.monotonic() + WAITING
            self._once(action.owner, f"unable to inspect container: {action.owner[:12]}: {error}")
        except AgentDownError as error:
            self.down(str(error))
        except AgentDeniesError as error:
            self.later[action.owner] = time.monotonic() + WAITING
            self._once(action.owner, f"{action.owner[:12]}: Consul does not do it for now: {error}")
        except Exception as error:  # noqa: BLE001 - an answer in a form that nobody foresaw ends one container's turn, not the program
            words = str(error) if isinstance(error, NoContainerError) else f"{type(error).__name__}: {error}"
            self._once(action.owner, f"{action.owner[:12]}: not understood: {words}")

    def down(self, why: str) -> None:
        """The agent is away: said once; everything is looked at when it is back."""
        if not self.agent_down.is_set():
            self.agent_down.set()
            self._say(f"Consul does not answer, waiting for it: {why}")

    def due(self) -> None:
        """Have those looked at again whose time has come. One that was told to stop and still runs is no longer kept out."""
        now = time.monotonic()
        for owner, when in list(self.later.items()):
            if when <= now:
                self.later.pop(owner, None)
                self._held.discard(owner)
                self._again(owner)

    def _look(self, owner: str) -> None:
        if owner.startswith(TASK):
            if self.mesh is not None:
                self._bring(owner, owner.removeprefix(TASK), self.mesh.get(owner, Found()))
            return
        assert self.engine  # nothing is looked at before there is one
        assert self.host
        # Who may write to Consul may write any owner there, with our mark; what no container can be is gone.
        told = self.engine.inspect(owner) if is_container(owner) else None
        container = read_container(told) if told is not None else None
        if container is not None and container.id != owner:
            raise NoContainerError(f"the engine answers with container {container.short_id}")
        if container is None or not container.live:
            self.known.pop(owner, None)
            self._held.discard(owner)
            if container is None:
                self._forget(owner)
            if not stays(container, self._options):
                self._bring(owner, owner, Found())
        elif owner not in self._held:
            self.known[owner] = stops(container)
            found = services(container, self._peer(container), self.host, self._options)
            self._bring(owner, container.name, found)
        for dependent in list(self._dependents.get(owner, ())):
            self._again(dependent)

    def _peer(self, container: Container) -> Container | None:
        """The container whose network this one shares; when that one changes, this one is looked at again."""
        if not container.network_mode.startswith("container:"):
            return None
        assert self.engine
        told = self.engine.inspect(container.network_mode.removeprefix("container:"))
        if told is None:
            return None
        peer = read_container(told)
        self._dependents.setdefault(peer.id, set()).add(container.id)
        return peer

    def _bring(self, owner: str, name: str, found: Found) -> None:
        for note in found.notes:
            self._once(owner, f"ignored: {owner[:12]} {name}: {note}")
        steps = operations(found.services, self.ledger.of(owner))
        self._apply(owner, [step for step in steps if not isinstance(step, Register) or self._free(step.service, name)])

    def _free(self, service: Service, name: str) -> bool:
        """Whether the id is nobody else's. While another container has it, it keeps it; the next one gets it after."""
        entry = self.ledger.entry(service.id)
        if entry and entry.owner != service.owner:
            self._waiting.setdefault(service.id, set()).add(service.owner)
            self._once(service.owner, f"{name}: the id {service.id} is taken by container {entry.owner[:12]}")
            self._again(entry.owner)  # it may be gone without our knowing
            return False
        foreign = self.ledger.foreign(service.id)
        assert self.host
        if foreign and not may_take(service, foreign, self.host.name):
            self._once(
                service.owner, f"{name}: the id {service.id} is taken by a service {foreign.name} that is not ours"
            )
            return False
        return True

    def _apply(self, owner: str, steps: list[Operation]) -> None:
        for step in steps:
            if self.agent_down.is_set():
                return  # everything is looked at when it is back
            try:
                self._step(owner, step)
            except AgentRefusesError as error:
                match step:
                    case SetStatus(service):
                        self._step(owner, Register(service))  # the check is gone: somebody removed it
                    case Register(Service(id=id_)) | Deregister(id_):
                        self._once(owner, f"{owner[:12]}: register failed: {id_}: {error}")

    def _step(self, owner: str, step: Operation) -> None:
        match step:
            case Register(service):
                before = self.ledger.entry(service.id)
                self._agent.register(service)
                if before and service.status:
                    self._agent.set_status(service)  # a check that was there keeps its status through a registration
                self.ledger.add(registered(service))
                self._say(f"added: {owner[:12]} {service.id}")
            case SetStatus(service):
                self._agent.set_status(service)
                self.ledger.add(registered(service))
                self._say(f"{service.status}: {owner[:12]} {service.id}")
            case Deregister(id_):
                self._agent.deregister(id_)
                self.ledger.remove(id_)
                self._say(f"removed: {owner[:12]} {id_}")
                for waiting in self._waiting.pop(id_, ()):
                    self._again(waiting)

    def _forget(self, owner: str) -> None:
        self._once.forget(owner)
        self._dependents.pop(owner, None)
        for dependents in list(self._dependents.values()):
            dependents.discard(owner)
