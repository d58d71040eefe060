"""docker-machine's store in, the machines in it out: `machines/NAME/config.json`. Nothing there is changed or copied.

Source: docker/machine at b170508b, libmachine/host/host.go and drivers/generic/generic.go.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import DeployerError, UsageError
from deployer.machines.create import Created, Flags, create_machine
from deployer.machines.node_file import Wanted, scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST: Final = 1 << 20
DROP_IN: Final = "/etc/systemd/system/docker.service.d/10-machine.conf"
"""Where docker-machine put the engine's options (libmachine/provision/systemd.go)."""
_SWARM: Final = {"Discovery": "swarm-discovery"}


def default() -> Path:
    """Where docker-machine kept it: $MACHINE_STORAGE_PATH, or ~/.docker/machine."""
    return Path(os.environ.get("MACHINE_STORAGE_PATH") or Path.home() / ".docker" / "machine")


def read_store(folder: Path) -> tuple[tuple[Created, ...], tuple[str, ...]]:
    """The machines, by name, and a line for each that is none. Raises UsageError where there is no store."""
    machines = folder / "machines"
    if not machines.is_dir():
        raise UsageError(f"{folder} is no store of docker-machine", help="it holds machines/NAME/config.json")
    found: list[Created] = []
    broken: list[str] = []
    for path in sorted(machines.glob("*/config.json")):
        try:
            found.append(read_config(path.parent.name, _text(path)))
        except DeployerError as error:
            broken.append(f"{path}: {error.message}")
    if not found and not broken:
        raise UsageError(f"{folder} has no machine in it", help="it holds machines/NAME/config.json")
    return tuple(found), tuple(broken)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise DeployerError(f"cannot be read: {error.strerror}") from None
    if len(data) > LARGEST:
        raise DeployerError("is larger than any of docker-machine's")
    return data.decode("utf-8", "replace")


def read_config(folder: str, text: str) -> Created:
    """One machine. Raises DeployerError where the text is none of docker-machine's."""
    try:
        config = json.loads(text)
        driver, options = config["Driver"], config.get("HostOptions") or {}
        address = str(driver["IPAddress"] or "")
        engine, swarm = options.get("EngineOptions") or {}, options.get("SwarmOptions") or {}
        flags = _flags(str(config.get("Name") or folder), address, driver, engine, swarm)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DeployerError("is no machine of docker-machine's") from None
    if not address:
        raise DeployerError("has no address: the machine was never made")
    made = create_machine(flags)
    notes = list(made.notes)
    if flags.name != folder:
        notes.append(f"{flags.name} lies in the folder {folder}")
    kind = str(config.get("DriverName") or "generic")
    if kind not in {"generic", "none"}:
        notes.append(f"the driver {kind} made it: starting, stopping and removing it is the provider's business")
    if made.wanted.key and not Path(made.wanted.key).expanduser().is_file():
        notes.append(f"the key {made.wanted.key} is not there: set ssh.identity_file")
    return Created(_as_options(made.wanted), tuple(f"{made.wanted.name}: {note}" for note in notes))


def _as_options(wanted: Wanted) -> Wanted:
    """docker-machine wrote the engine's options into its unit; an engine that has one there and in daemon.json does not start."""
    if not wanted.daemon:
        return wanted
    remarks = (
        f"docker-machine gave the engine these options, in {DROP_IN} there.",
        "When that file is gone, they belong here:",
        "engine:",
        f"  daemon: {scalar(dict(wanted.daemon))}",
    )
    return replace(wanted, daemon={}, remarks=remarks)


def _flags(
    name: str, address: str, driver: Mapping[str, Any], engine: Mapping[str, Any], swarm: Mapping[str, Any]
) -> Flags:
    inside, master = bool(swarm.get("IsSwarm")), bool(swarm.get("Master"))
    port = int(driver.get("SSHPort") or 22)
    return Flags(
        name=_name(name),
        address=address,
        user=str(driver["SSHUser"]) if driver.get("SSHUser") else None,
        key=_in_home(str(driver["SSHKeyPath"])) if driver.get("SSHKeyPath") else None,
        port=None if port == 22 else port,
        options=tuple(map(str, engine.get("ArbitraryFlags") or ())),
        labels=tuple(label for label in map(str, engine.get("Labels") or ()) if not label.startswith("provider=")),
        environment=tuple(map(str, engine.get("Env") or ())),
        insecure_registries=tuple(map(str, engine.get("InsecureRegistry") or ())),
        registry_mirrors=tuple(map(str, engine.get("RegistryMirror") or ())),
        swarm=inside,
        swarm_master=inside and master,
        others={flag: str(swarm[key]) for key, flag in _SWARM.items() if inside and swarm.get(key)},
    )


def _name(name: str) -> str:
    """docker-machine's names may have capitals and dots; a machine's here is one DNS label."""
    return re.sub("[^a-z0-9-]+", "-", name.lower()).strip("-")[:63] or name


def _in_home(path: str) -> str:
    """With ~ for the home directory, so that a file that is in git fits more than one person."""
    home = str(Path.home())
    return f"~{path.removeprefix(home)}" if path.startswith(home + "/") else path
