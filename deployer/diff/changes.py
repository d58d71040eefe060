"""Every kind of change, by domain: the union is closed."""

from __future__ import annotations

from deployer.diff.consul import ConsulChange
from deployer.diff.images import ImageChange
from deployer.diff.machines import MachineChange
from deployer.diff.projects import ProjectChange
from deployer.diff.registrator import RegistratorChange
from deployer.diff.stacks import StackChange
from deployer.diff.swarm import SwarmChange
from deployer.diff.tls import TlsChange

Change = (
    MachineChange
    | SwarmChange
    | ConsulChange
    | RegistratorChange
    | StackChange
    | ProjectChange
    | ImageChange
    | TlsChange
)
