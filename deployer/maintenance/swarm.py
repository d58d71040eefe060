"""The swarm itself: its tokens and keys, its state, and what is left of it when most of its managers are gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked
from deployer.diff.machines import advertise_address
from deployer.diff.swarm import swarm_obstacle
from deployer.docker import Engine as EngineApi
from deployer.errors import DeployerError, UnreachableError
from deployer.model.observed import Engine, Machine, Observed
from deployer.model.secret import Secret
from deployer.model.swarm_state import Peer, SwarmState
from deployer.observe import observe
from deployer.plan.draft import Draft
from deployer.plan.keys import RotateCa, RotateTokens, SetAutolock, UnlockManager
from deployer.plan.maintenance import member_of
from deployer.plan.steps import Plan
from deployer.plan.swarm import ForceNewCluster, RemoveMember
from deployer.remote import Link
from deployer.workflow.maintain import Seen, Terms, check_names, maintain, read_desired
from deployer.workflow.run import join

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from deployer.model.desired import Desired
    from deployer.plan.operations import Operation
    from deployer.plan.outcome import Report
    from deployer.workflow.run import Audience
    from deployer.workflow.validate import Source

T = TypeVar("T")

CA_SECONDS = 300.0
NO_MANAGER = Blocked(
    "swarm", "no manager of it answers", "bring one back; where most are gone: deployer swarm recover MACHINE"
)


async def rotate_tokens(
    source: Source, roles: tuple[Literal["worker", "manager"], ...], audience: Audience, terms: Terms
) -> Report:
    return await _by_manager(source, lambda via: RotateTokens(via, roles), "new join tokens", audience, terms)


async def rotate_ca(source: Source, audience: Audience, terms: Terms) -> Report:
    return await _by_manager(source, lambda via: RotateCa(via, CA_SECONDS), "a new root certificate", audience, terms)


async def autolock(source: Source, audience: Audience, terms: Terms, *, on: bool, rotate: bool = False) -> Report:
    purpose = "a new unlock key" if rotate else f"autolock {'on' if on else 'off'}"
    return await _by_manager(source, lambda via: SetAutolock(via, on, rotate), purpose, audience, terms)


async def unlock(source: Source, name: str, key: Secret, audience: Audience, terms: Terms) -> Report:
    desired = read_desired(source)
    check_names(desired.cluster, [name])

    async def decide(_: Seen) -> Plan:
        return _one(desired, UnlockManager(name, key), f"unlock {name}", name)

    return await maintain(source, desired, decide, audience, terms)


async def unlock_key(source: Source) -> str:
    """The key, for whoever keeps it; empty where the swarm has autolock off. UnreachableError where no manager answers."""

    async def key(engine: EngineApi, _: Observed) -> str:
        return str((await engine.get("/swarm/unlockkey")).get("UnlockKey") or "")

    return await _ask(read_desired(source), key)


def read_key(path: Path) -> Secret:
    """From a file that only its owner may read. DeployerError where it is none."""
    try:
        if path.stat().st_mode & 0o077:
            raise DeployerError(f"{path} can be read by others", help=f"chmod 600 {path}")
        text = path.read_text("utf-8").strip()
    except OSError as error:
        raise DeployerError(f"{path}: {error.strerror}", help="name the file that has the unlock key") from None
    if not text.startswith("SWMKEY-"):
        raise DeployerError(f"{path} holds no unlock key", help="`deployer swarm unlock-key --output FILE` writes one")
    return Secret(text)


async def recover(source: Source, name: str, audience: Audience, terms: Terms) -> Report:
    """A swarm of one manager, from what that one knows. Refused where the swarm takes orders: then nothing is lost.

    The entries of the other managers go: one that comes back would otherwise think that it still is one, of the old swarm.
    """
    desired = read_desired(source)
    check_names(desired.cluster, [name])

    async def decide(seen: Seen) -> Plan:
        return recovery_plan(seen.desired, seen.observed, name)

    async def then(seen: Seen) -> Plan:
        return leftovers_plan(seen.desired, seen.observed, name)

    report = await maintain(source, desired, decide, audience, terms)
    if not report.ok or terms.dry:
        return report
    return join(
        report, await maintain(source, desired, then, audience, replace(terms, confirm=lambda _: True, strict=False))
    )


def recovery_plan(desired: Desired, observed: Observed, name: str) -> Plan:
    node, machine = desired.cluster.node(name), observed.machines[name]
    draft, blocked = Draft(), list[Blocked]()
    member = member_of(observed, name)
    if not isinstance(machine, Machine):
        blocked.append(Blocked(name, machine.reason, machine.help, unreachable=True))
    elif not isinstance(machine.engine, Engine) or not machine.engine.membership.manager:
        known = isinstance(machine.engine, Engine) and machine.engine.membership.state
        blocked.append(
            Blocked(name, f"it is no manager of the swarm ({known or 'no engine answers'})", "name one that was")
        )
    elif observed.swarm is not None and member is not None:
        blocked.append(
            Blocked(
                name, "its swarm has a majority of managers and takes orders: there is nothing to recover",
                "deployer machine rm takes single machines out of it",
            )
        )  # fmt: skip
    else:
        address = advertise_address(node, machine) or machine.engine.membership.address
        draft.add(ForceNewCluster(name, address), Cause.ASKED)
    steps = () if blocked else tuple(draft.steps)
    purpose = f"recover the swarm from {name}"
    return Plan(desired.cluster.name, desired.commit, steps, tuple(blocked), manager=name, purpose=purpose)


def leftovers_plan(desired: Desired, observed: Observed, name: str) -> Plan:
    """After a recovery: the entries of the managers that are gone. The raft does not know them any more: there is none to demote."""
    draft = Draft()
    own = member_of(observed, name)
    for member in observed.members:
        if own is None or member.id == own.id or (member.role != "manager" and member.state == "ready"):
            continue
        draft.add(RemoveMember(member.hostname, name, member.id), Cause.ASKED)
    purpose = "take out the managers that are gone"
    return Plan(desired.cluster.name, desired.commit, tuple(draft.steps), manager=name, purpose=purpose)


async def state(source: Source) -> SwarmState:
    """How the swarm is. UnreachableError where no manager answers."""

    async def look(engine: EngineApi, observed: Observed) -> SwarmState:
        return read_state(
            await engine.get("/swarm"),
            await engine.get("/nodes"),
            observed.swarm.via if observed.swarm else "",
            _clocks(observed),
        )

    return await _ask(read_desired(source), look)


def _clocks(observed: Observed) -> dict[str, float]:
    """By how much each member's clock is ahead, by its id in the swarm."""
    return {
        machine.engine.membership.node_id: round(machine.clock_ahead, 1)
        for machine in observed.machines.values()
        if isinstance(machine, Machine) and isinstance(machine.engine, Engine)
    }


def read_state(swarm: Any, nodes: Any, via: str, clocks: Mapping[str, float]) -> SwarmState:
    """From `/swarm` and `/nodes`."""
    from cryptography import x509  # noqa: PLC0415 - for this command only

    root = x509.load_pem_x509_certificate(str(swarm["TLSInfo"]["TrustRoot"]).encode())
    spec = swarm["Spec"]
    peers = []
    for node in nodes:
        manager = node.get("ManagerStatus") or {}
        state = str(node["Status"]["State"])
        if manager:
            state += ", leader" if manager.get("Leader") else f", {manager.get('Reachability', '')}"
        peers.append(
            Peer(
                node["Description"]["Hostname"],
                node["Spec"]["Role"],
                state,
                node["Spec"]["Availability"],
                node["Status"].get("Addr", ""),
                clocks.get(node["ID"]),
            )
        )
    return SwarmState(
        via,
        str(swarm["CreatedAt"])[:19] + "Z",
        bool((spec.get("EncryptionConfig") or {}).get("AutoLockManagers")),
        root.not_valid_after_utc.isoformat(),
        int(((spec.get("CAConfig") or {}).get("NodeCertExpiry") or 0) // 86_400_000_000_000),
        tuple(sorted(peers, key=lambda peer: (peer.role != "manager", peer.name))),
    )


async def _ask(desired: Desired, question: Callable[[EngineApi, Observed], Awaitable[T]]) -> T:
    async with Link(desired.cluster) as link:
        observed = await observe(desired.cluster, link)
        if observed.swarm is None:
            obstacle = swarm_obstacle(desired.cluster, observed) or NO_MANAGER
            raise UnreachableError(obstacle.reason, help=obstacle.help)
        engine = EngineApi(await link.to(observed.swarm.via))
        try:
            return await question(engine, observed)
        finally:
            engine.close()


async def _by_manager(
    source: Source, operation: Callable[[str], Operation], purpose: str, audience: Audience, terms: Terms
) -> Report:
    desired = read_desired(source)

    async def decide(seen: Seen) -> Plan:
        if seen.observed.swarm is None:
            return Plan(desired.cluster.name, desired.commit, (), (NO_MANAGER,), purpose=purpose)
        via = seen.observed.swarm.via
        return _one(desired, operation(via), purpose, via)

    return await maintain(source, desired, decide, audience, terms)


def _one(desired: Desired, operation: Operation, purpose: str, via: str) -> Plan:
    draft = Draft()
    draft.add(operation, Cause.ASKED)
    return Plan(desired.cluster.name, desired.commit, tuple(draft.steps), manager=via, purpose=purpose)
