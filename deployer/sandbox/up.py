"""Start a sandbox: what is there already stays, what is missing is made."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from deployer.sandbox import addresses, keys, limits, machines, network, observe, registry, state
from deployer.sandbox.engine import ensure_engine
from deployer.sandbox.labels import MACHINE_LABEL, mirror_url
from deployer.sandbox.spec import Sandbox, SandboxSpec
from deployer.sandbox.supply import ensure_images

if TYPE_CHECKING:
    from collections.abc import Callable


def up(spec: SandboxSpec, say: Callable[[str], None]) -> Sandbox:
    """Make `spec` so and wait until every machine answers over SSH; may be run again at any time, also after Ctrl-C.

    `say` gets one line a step. Raises DeployerError where something cannot be made.
    """
    started = time.monotonic()
    ensure_engine(say)
    with state.locked(spec.name, say), observe.engine() as client:
        images = ensure_images(client, engine=spec.engine, say=say)
        limits.ensure_inotify(say)
        subnet = network.ensure_network(client, spec, say)
        present = observe.containers(client, spec.name)
        existing = {
            entry["Labels"][MACHINE_LABEL]: observe.address_of(entry, spec.name)
            for entry in present
            if MACHINE_LABEL in entry["Labels"]
        }
        at = addresses.machine_addresses(subnet, spec.machines, existing)
        public_key = keys.ensure_key_pair(spec.name)
        say(f"machines: starting {', '.join(spec.machines)}")
        stopped = threading.Event()
        with ThreadPoolExecutor(max_workers=1) as pool:
            booting = pool.submit(
                machines.ensure_machines, client, spec.name, at, present, images.machine, public_key, stopped=stopped
            )
            try:
                address = addresses.registry_address(subnet)
                port = registry.ensure_registry(client, spec.name, address, present, images.registry)
                registry.stock(client, port, images.stand_ins, say)
                running = booting.result()
            except BaseException:  # Ctrl-C too: leaving the pool waits for its threads
                stopped.set()
                raise
        known_hosts = keys.known_hosts({machine.address: machine.host_keys for machine in running})
        state.write_private(state.known_hosts_file(spec.name), known_hosts)
    say(f"sandbox {spec.name}: {len(running)} machines answer after {time.monotonic() - started:.1f} s")
    return Sandbox(
        name=spec.name,
        machines=running,
        identity_file=state.identity_file(spec.name),
        known_hosts=known_hosts,
        registry=mirror_url(),
        registry_state="running",
        subnet=str(subnet),
    )
