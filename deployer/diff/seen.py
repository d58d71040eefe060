"""The live swarm, found by name; what its services refer to, and whether they run as they should."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deployer.diff.change import Blocked
from deployer.model import labels
from deployer.model.spec import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.observed import LiveObject, LiveService, Member, Swarm
    from deployer.model.stack import Body


Reference = tuple[str, str]
"""(kind, name) of something that a service refers to."""


@dataclass(frozen=True)
class Seen:
    """A swarm, by the names that are looked for."""

    services: Mapping[str, LiveService] = field(default_factory=dict)
    objects: Mapping[Reference, LiveObject] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    """The ids of the swarm's networks -> their names."""
    members: tuple[Member, ...] = ()

    @property
    def all_ready(self) -> bool:
        """While one is not, Swarm counts its tasks as running (swarmkit#1270)."""
        return all(member.state == "ready" for member in self.members)


def seen_of(swarm: Swarm | None) -> Seen:
    """The swarm's index; where two have one name, the first."""
    if swarm is None:
        return Seen()
    return Seen(
        {live.name: live for live in reversed(swarm.services)},
        {(live.kind, live.name): live for live in reversed(swarm.objects)},
        {live.id: live.name for live in swarm.objects if live.kind == "network"},
        swarm.members,
    )


STALLED_UPDATES: Final = frozenset({"paused", "rollback_paused"})
RUNNING_UPDATES: Final = frozenset({"updating", "rollback_started"})
ROLLED_BACK: Final = "rollback_completed"
PREDEFINED: Final = frozenset({"bridge", "host", "none"})
"""Networks that every engine has (moby, runconfig/hostconfig_unix.go, IsPreDefinedNetwork)."""


def counts_agree(live: LiveService, *, all_ready: bool) -> bool:
    """Whether as many tasks run as are wanted.

    Too many is a shrinking service, except while a machine is down: its tasks count as running until Swarm forgets
    them after a day (swarmkit#1270, moby#45922), and a wait for them would hold up everything else.
    """
    if live.finite:
        return not live.failed
    return live.running == live.wanted or (live.running > live.wanted and not all_ready)


def was_well(live: LiveService, *, ready: bool) -> bool:
    """Whether the service ran as it should, so that a failed update can go back to it. `ready`: all machines of the swarm were ready."""
    return live.update_state not in {*STALLED_UPDATES, *RUNNING_UPDATES} and counts_agree(live, all_ready=ready)


def references(body: Body) -> tuple[Reference, ...]:
    """What must be there before a service: its networks, configs and secrets, whichever stack defines them."""
    spec = ServiceSpec(body)
    return (
        *(("network", name) for name in spec.networks),
        *(("config", str(config["ConfigName"])) for config in spec.configs),
        *(("secret", str(secret["SecretName"])) for secret in spec.secrets),
    )


def blocked_by_foreign(kind: str, name: str) -> Blocked:
    """The obstacle where an object has a name of ours and not our label."""
    return Blocked(
        f"{kind} {name}", f"it exists and is not this cluster's (no label {labels.CLUSTER} of it)",
        "remove or rename one of the two; what deployer does not own it never changes",
    )  # fmt: skip
