"""Options in, a catalogue that is right for as long as the program runs.

Three things run side by side: the engine's events, each of which becomes work of its container; this thread, which
synchronises, and tries again what did not succeed; and, on a manager, looks at the swarm. A lost engine or agent is waited for.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import DeployerError
from deployer.registrator import swarm
from deployer.registrator.agent import Agent, AgentDownError, AgentError
from deployer.registrator.diff import dangling
from deployer.registrator.engine import Engine, EngineError
from deployer.registrator.events import Look, LookAtMesh, NoEventError, OfContainer, Withdraw, decide
from deployer.registrator.host import read_host, resolve, route
from deployer.registrator.lanes import Lanes
from deployer.registrator.mesh import TASK
from deployer.registrator.reconcile import WAITING, Reconciler
from deployer.registrator.said import Once, say
from deployer.registrator.services import Found

if TYPE_CHECKING:
    from deployer.registrator.flags import Options

THREADS: Final = 8
TICK: Final = 1.0
"""Seconds between two looks at whether the agent still knows what it was told, or is back."""
FIRST_WAIT: Final = 0.1
LONGEST_WAIT: Final = 5.0
"""Seconds between two tries to reach the engine, after many."""
SYNC_SECONDS: Final = 120.0


class Registrator:
    """`run` until `stop` is set."""

    def __init__(self, options: Options, stop: threading.Event) -> None:
        self._options = options
        self._stop = stop
        self._agent = Agent(options.uri, os.environ, THREADS)
        self._lanes: Lanes[OfContainer] = Lanes(self._do, THREADS)
        self._state = Reconciler(options, self._agent, say, self._look)
        self._sync_wanted = threading.Event()
        self._swarm_changed = threading.Event()
        self._sync_at = float("inf")
        self._once = Once(say)
        self._stream: Any = None

    def run(self) -> None:
        """Returns when it was told to stop. Raises DeployerError where -retry-attempts are used up."""
        try:
            self._wait_for_agent()
            threading.Thread(target=self._listen, name="events", daemon=True).start()
            if self._options.swarm and not self._options.internal:
                threading.Thread(target=self._watch_swarm, name="swarm", daemon=True).start()
            else:
                self._state.mesh = {}
            self._loop()
        finally:
            self._stop.set()
            self._swarm_changed.set()
            self._lanes.close(5)
            if self._stream is not None:
                self._stream.close()
            self._agent.close()

    def _do(self, action: OfContainer) -> None:
        self._state.do(action)

    def _look(self, owner: str) -> object:
        return self._lanes.put(owner, Look(owner))

    # --- Consul -------------------------------------------------------------------------------------------------------

    def _wait_for_agent(self) -> None:
        """The old program's start: a number of attempts; but without end where none is given."""
        limit = -1 if self._options.retry_attempts is None else self._options.retry_attempts
        attempt = 0
        while not self._stop.is_set():
            try:
                leader = self._agent.leader()
            except AgentError as error:
                if not attempt:
                    say(f"Consul at {self._options.uri} does not answer, waiting for it: {error}")
                if 0 <= limit <= attempt:
                    raise DeployerError(f"Consul at {self._options.uri}: {error}") from None
            else:
                say(f"consul: current leader {leader or '(none)'}")
                return
            # The first try comes again soon, as Consul may be starting beside us; without a limit, never less often than asked.
            pause = self._options.retry_interval / 1000
            self._stop.wait(pause if limit >= 0 else min(pause, FIRST_WAIT * 2 ** min(attempt, 10)))
            attempt += 1

    def _loop(self) -> None:
        tick = time.monotonic()
        resync = tick
        wait_ = FIRST_WAIT
        while not self._stop.is_set():
            self._sync_wanted.wait(wait_ if self._state.agent_down.is_set() else TICK)
            now = time.monotonic()
            if self._state.agent_down.is_set():
                wait_ = FIRST_WAIT if self._agent_is_back() else min(wait_ * 2, TICK)
            elif now >= self._sync_at or (self._options.resync and now - resync >= self._options.resync):
                self._sync_at = float("inf")
                self._sync_wanted.set()
            elif now - tick >= TICK:
                tick = now
                self._state.due()
                self._remembered()
            if self._sync_wanted.is_set() and not self._state.agent_down.is_set():
                self._sync_wanted.clear()
                resync = now
                self._sync()
            elif self._sync_wanted.is_set():
                self._stop.wait(wait_)

    def _agent_is_back(self) -> bool:
        try:
            self._agent.leader()
        except AgentError:
            return False
        say("Consul answers again")
        self._state.agent_down.clear()
        self._sync_wanted.set()
        return True

    def _remembered(self) -> None:
        """An agent without a data directory forgets all when it restarts. One entry stands for all of them."""
        some = self._state.ledger.any_id()
        try:
            if some and not self._agent.has(some) and self._state.ledger.entry(some) and not self._lists(some):
                say(f"Consul has forgotten {some}: registering again")
                self._sync_wanted.set()
        except AgentDownError as error:
            self._state.down(str(error))
        except AgentError:
            pass  # said where it matters: at a registration

    def _lists(self, service: str) -> bool:
        """Whether the agent lists an entry that it does not find by its id: Consul before 1.3 has no such question."""
        host = self._state.host
        return host is not None and any(one.id == service for one in self._agent.snapshot(host.engine).ours)

    def _sync(self) -> None:
        """Read the agent and the engine, look at everything that one of them names, wait for it, clean up."""
        engine, host = self._state.engine, self._state.host
        if engine is None or host is None:
            return  # the engine asks for it when it is back
        began = time.monotonic()
        ledger = self._state.ledger
        try:
            ledger.begin()
            ledger.load(self._agent.snapshot(host.engine))
            owners = {*engine.running(), *ledger.owners(), *(self._state.mesh or ())}
            late = wait([self._lanes.put(owner, Look(owner)) for owner in sorted(owners)], SYNC_SECONDS).not_done
            if self._options.cleanup and not late and not self._state.agent_down.is_set():
                for left in dangling(self._agent.snapshot(host.engine).foreign, host.name):
                    self._agent.deregister(left.id)
                    say(f"dangling: {left.id} removed")
        except EngineError as error:
            self._sync_at = began + WAITING
            say(f"error listing containers, skipping sync: {error}")
            if self._stream is not None:
                self._stream.close()  # of an engine that does not answer there come no events either: attach anew
            return
        except AgentDownError as error:
            self._state.down(str(error))
            return
        except AgentError as error:
            self._sync_at = began + WAITING
            self._once("sync", f"Consul does not list or remove its services, trying again: {error}")
            return
        say(f"Synced {len(owners)} containers, {len(ledger)} services in {time.monotonic() - began:.2f} s")

    # --- Docker -------------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Events, for ever: attached before anything is listed; attached again when the stream ends."""
        pause, said = FIRST_WAIT, False
        while not self._stop.is_set():
            attached = float("inf")
            try:
                self._attach()
                attached = time.monotonic()
                for event in self._stream:
                    self._event(event)
                why = "the stream of events ended"
            except EngineError as error:
                why = str(error)
            except Exception as error:  # noqa: BLE001 - an answer in a form that nobody foresaw
                why = f"the stream of events broke: {error}"
            if time.monotonic() - attached >= LONGEST_WAIT:  # one that breaks at once is not tried ten times a second
                pause, said = FIRST_WAIT, False
            if not said and not self._stop.is_set():
                say(f"Docker does not answer, waiting for it: {why}")
                said = True
            self._stop.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads machines, no secret
            pause = min(pause * 2, LONGEST_WAIT)

    def _attach(self) -> None:
        engine = Engine(THREADS)
        since = time.time()
        try:
            self._stream = engine.events(since)
            host = read_host(engine.info(), socket.gethostname(), resolve, route)
        except BaseException:
            engine.close()
            raise
        before = self._state.engine
        self._state.engine, self._state.host = engine, host
        if before is not None:
            before.close()
        say(f"Listening for Docker events on {host.name}, {host.address} ...")
        self._swarm_changed.set()
        self._sync_wanted.set()

    def _event(self, event: dict[str, Any]) -> None:
        try:
            action = decide(event, self._state.known, self._options)
        except NoEventError as error:
            self._once("events", f"ignored: {error}")
            return
        match action:
            case LookAtMesh():
                self._swarm_changed.set()
            case Look() | Withdraw():
                self._lanes.put(action.owner, action)
            case None:
                pass

    # --- Swarm --------------------------------------------------------------------------------------------------------

    def _watch_swarm(self) -> None:
        watch = swarm.Watch()
        said = ""
        while not self._stop.is_set():
            if self._swarm_changed.wait(watch.pause):
                self._swarm_changed.clear()
                watch.stale()
            engine, host = self._state.engine, self._state.host
            if engine is None or host is None:
                continue
            try:
                found = swarm.look(watch, engine, host, self._options, time.monotonic())
                said = ""
            except Exception as error:  # noqa: BLE001 - the engine's, or an answer in a form that nobody foresaw
                if not said:
                    say(f"the swarm does not answer, keeping what is registered: {error}")
                said = str(error)
                continue
            before, self._state.mesh = self._state.mesh, found
            if before is None:
                before = {owner: Found() for owner in self._state.ledger.owners() if owner.startswith(TASK)}
            for owner in sorted({*found, *before}):
                if before.get(owner) != found.get(owner):
                    self._look(owner)
