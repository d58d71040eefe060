"""What machines and their engines answer."""

from dataclasses import replace
from typing import Any

from deployer.model.observed import Container, Engine, Machine, Membership, OperatingSystem, Silent, Unreachable
from deployer.model.project import ProjectContainer

DEBIAN = OperatingSystem("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)")
DOWN = Unreachable("no answer within 5 s", "is it on?")
VERSION = "26.1.5"
"""Of every engine, where a test does not say another one."""


def make_engine(
    node_id: str = "",
    *,
    manager: bool = False,
    state: str = "",
    version: str = VERSION,
    swarm: str = "swarm1",
    containers: tuple[Container, ...] = (),
    images: tuple[str, ...] = (),
    projects: tuple[ProjectContainer, ...] = (),
) -> Engine:
    """An engine; with a `node_id` it is in the swarm."""
    membership = Membership(
        state or ("active" if node_id else "inactive"), node_id, "", manager, swarm if manager else ""
    )
    return Engine(version, membership, containers, images, projects)


def make_machine(address: str = "10.0.0.1", engine: Engine | Silent | None = None, **changes: Any) -> Machine:
    """A machine with one interface, eth0, and no engine unless one is given."""
    bare = Machine(
        os=DEBIAN,
        architecture="x86_64",
        privileged=True,
        interfaces=(("lo", "127.0.0.1"), ("eth0", address)),
        default_interface="eth0",
        daemon_json=None,
        engine=engine,
    )
    return replace(bare, **changes)
