"""A SandboxSpec in, a running Sandbox out; what is there already stays, what is missing is made."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.sandbox import addresses, bodies, build, keys, machines, observe, registry, state
from deployer.sandbox.engine import ensure_engine
from deployer.sandbox.hub import hub_answers
from deployer.sandbox.labels import MACHINE_LABEL, mirror_url
from deployer.sandbox.rootfs import ensure_rootfs
from deployer.sandbox.spec import Sandbox, SandboxSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_NEEDED = 1024


def up(spec: SandboxSpec, say: Callable[[str], None]) -> Sandbox:
    """Make `spec` so and wait until every machine answers over SSH; may be run again at any time, also after Ctrl-C.

    `say` gets one line a step. Raises DeployerError where something cannot be made.
    """
    started = time.monotonic()
    ensure_engine(say)
    with state.locked(spec.name, say), observe.engine() as client:
        root = ensure_rootfs(client, say)
        machine_image = build.image(client, "machine", root, say)
        registry_image = build.image(client, "registry", root, say)
        wanted = [stand_in for stand_in in build.STAND_INS if stand_in.ours or not hub_answers()]
        stand_ins = {stand_in: build.image(client, stand_in.folder, root, say) for stand_in in wanted}
        _raise_inotify(say)
        subnet = _ensure_network(client, spec, say)
        present = observe.containers(client, spec.name)
        existing = {
            entry["Labels"][MACHINE_LABEL]: observe.address_of(entry, spec.name)
            for entry in present
            if MACHINE_LABEL in entry["Labels"]
        }
        at = addresses.machine_addresses(subnet, spec.machines, existing)
        public_key = keys.ensure_key_pair(spec.name)
        say(f"machines: starting {', '.join(spec.machines)}")
        with ThreadPoolExecutor(max_workers=1) as pool:
            booting = pool.submit(machines.ensure_machines, client, spec.name, at, present, machine_image, public_key)
            port = registry.ensure_registry(
                client, spec.name, addresses.registry_address(subnet), present, registry_image
            )
            registry.stock(client, port, stand_ins, say)
            running = booting.result()
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


def _ensure_network(client: DockerClient, spec: SandboxSpec, say: Callable[[str], None]) -> IPv4Network:
    present = observe.subnet_of(client, spec.name)
    if present is not None:
        if spec.subnet is not None and IPv4Network(spec.subnet, strict=False) != present:
            raise DeployerError(
                f"the sandbox {spec.name} is on {present}, not on {spec.subnet}",
                help=f"deployer sandbox down --name {spec.name}",
            )
        return present
    used = addresses.parse_routes(Path("/proc/net/route").read_text(encoding="ascii"))
    subnet = addresses.choose_subnet(spec.subnet, [*used, *addresses.parse_networks(client.api.networks())])
    say(f"network: {subnet}")
    client.api.create_network(**bodies.network(spec.name, subnet))
    return subnet


def _raise_inotify(say: Callable[[str], None]) -> None:
    """All machines share one user's inotify instances: systemd, dockerd and the rest of one machine take some 20 of Debian's 128."""
    try:
        if int(INOTIFY.read_text(encoding="ascii")) >= INOTIFY_NEEDED:
            return
        if os.access(INOTIFY, os.W_OK):
            INOTIFY.write_text(str(INOTIFY_NEEDED), encoding="ascii")
            say(f"kernel: fs.inotify.max_user_instances is {INOTIFY_NEEDED} until the next boot")
        else:
            say(f"kernel: fs.inotify.max_user_instances is below {INOTIFY_NEEDED}; machines may fail to boot")
    except OSError:
        return  # not Linux's /proc: nothing to raise
