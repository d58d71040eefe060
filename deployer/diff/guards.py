"""Guards: why a run is refused because of what it would remove, or of the commit that it would replace.

Mass deletion has been the accident of every tool that makes a cluster what git says: an empty repository, a renamed folder,
a wrong branch. What may go is named one by one, never waved through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from deployer.diff.change import Blocked, Diff
from deployer.diff.consul import EntrySurplus
from deployer.diff.machines import ContainerSurplus
from deployer.diff.projects import ProjectSurplus, containers
from deployer.diff.stacks import ObjectSurplus, ServiceSurplus
from deployer.diff.swarm import MemberSurplus
from deployer.errors import UsageError
from deployer.model import labels
from deployer.model.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deployer.diff.changes import Change
    from deployer.model.consent import Consent
    from deployer.model.desired import Desired
    from deployer.model.history import Deployed
    from deployer.model.observed import Observed

FIFTH: Final = 5
SHORTEST_ID: Final = 7


@dataclass(frozen=True)
class Removal:
    """One thing that goes, by the name that lets it go.

    A removed stack counts once, with all its services and networks. A Consul has the name of its machine. Configs and secrets do not
    count.
    """

    kind: Literal["stack", "service", "network", "machine", "Consul"]
    name: str


def refusals(
    changes: Sequence[Change], desired: Desired, observed: Observed, deployed: Deployed | None, consent: Consent
) -> tuple[Blocked, ...]:
    """Every guard that refuses the changes. Raises UsageError where `consent` names what is not removed."""
    going = removals(changes)
    _check_names(consent.allow_delete, going)
    unnamed = [removal for removal in going if removal.name not in consent.allow_delete]
    return (*_of_history(deployed, consent, desired.commit), *_of_removals(unnamed, desired, observed))


def concerning(diff: Diff, stacks: Sequence[str]) -> tuple[Change, ...]:
    """The changes that are about one of these stacks; all, where none is named."""
    return tuple(change for change in diff.changes if not stacks or change.stack in stacks)


def deployed_commits(observed: Observed, cluster: str) -> tuple[str, ...]:
    """The commits that last changed one of the cluster's services, by their labels."""
    services = observed.services
    ours = [one.labels for one in services if one.labels.get(labels.CLUSTER) == cluster]
    return tuple(sorted({mark[labels.COMMIT] for mark in ours if labels.COMMIT in mark}))


def removals(changes: Sequence[Change]) -> tuple[Removal, ...]:
    """Sorted by kind and name, each once."""
    found: set[Removal] = set()
    for change in changes:
        match change:
            case (
                ServiceSurplus(stack=stack, whole=True)
                | ObjectSurplus(kind="network", stack=stack, whole=True)
                | ProjectSurplus(stack=stack, whole=True)
            ):
                found.add(Removal("stack", stack))
            case ServiceSurplus(name=name):
                found.add(Removal("service", name))
            case ObjectSurplus(kind="network", name=name):
                found.add(Removal("network", name))
            case MemberSurplus(node=name) | EntrySurplus(node=name):
                found.add(Removal("machine", name))
            case ContainerSurplus(node=name, role="Consul"):
                found.add(Removal("Consul", name))
            case _:
                pass
    return tuple(sorted(found, key=lambda removal: (removal.kind, removal.name)))


def _check_names(allowed: Iterable[str], going: Iterable[Removal]) -> None:
    names = {removal.name for removal in going}
    for name in sorted(set(allowed) - names):
        what = did_you_mean(name, sorted(names), _listed(sorted(names)))
        raise UsageError(f"nothing that is called {name[:100]!r} would be removed", help=what)


def _listed(names: list[str]) -> str:
    return f"what would be: {', '.join(names)}" if names else "nothing would be: leave --allow-delete out"


def _of_history(deployed: Deployed | None, consent: Consent, commit: str) -> Iterable[Blocked]:
    if deployed is None or deployed.place == "follows" or consent.going_back:
        return
    if len(consent.replaces) >= SHORTEST_ID and deployed.commit.startswith(consent.replaces):
        return
    here, there = commit[:10], deployed.commit[:10]
    say = f"--replaces {there}"
    match deployed.place:
        case "older":
            what = f"{here} is older than {there}, which is deployed"
            yield Blocked("history", what, f"to go back, say so: {say}; or `git revert`, and apply that")
        case "unrelated":
            what = f"{here} and {there}, which is deployed, have no commit in common"
            yield Blocked("history", what, f"see that this is the right repository and branch; if it is: {say}")
        case "missing":
            what = f"{there} is deployed, and this repository does not have it: it may be newer"
            yield Blocked("history", what, f"`git fetch` first; if it is lost: {say}")


def _of_removals(unnamed: list[Removal], desired: Desired, observed: Observed) -> Iterable[Blocked]:
    """At most `max_removals`, and of each kind at most one, or a fifth of what there is. A last stack is never just one."""
    if not unnamed:
        return
    may = " ".join(f"--allow-delete {removal.name}" for removal in unnamed)
    advice = f"see that this is the right commit; if they are to go: {may}"
    limit = desired.cluster.policy.max_removals
    names = ", ".join(f"{removal.kind} {removal.name}" for removal in unnamed)
    stacks = [removal for removal in unnamed if removal.kind == "stack"]
    if stacks and not desired.stacks:
        yield Blocked("removals", f"no stack would remain ({names})", advice)
    elif len(unnamed) > limit:
        what = f"{len(unnamed)} would be removed at once, and policy.max_removals is {limit}: {names}"
        yield Blocked("removals", what, advice)
    else:
        for kind, there in _living(desired, observed):
            mine = [removal.name for removal in unnamed if removal.kind == kind]
            if len(mine) > max(1, there // FIFTH):
                what = f"{len(mine)} of {there} {kind}s would be removed, which is more than a fifth: {', '.join(mine)}"
                yield Blocked("removals", what, advice)


def _living(desired: Desired, observed: Observed) -> Iterable[tuple[str, int]]:
    swarm, cluster = observed.swarm, desired.cluster.name
    services = [one for one in swarm.services if one.labels.get(labels.CLUSTER) == cluster] if swarm else []
    objects = [one for one in swarm.objects if one.labels.get(labels.CLUSTER) == cluster] if swarm else []
    networks = [one for one in objects if one.kind == "network"]
    marks = [*(one.labels for one in services), *(one.labels for one in networks)]
    stacks = {mark.get(labels.STACK, "") for mark in marks}
    projects = {one.project for name in observed.machines for one in containers(observed, name)}
    yield "stack", len(stacks | projects)
    yield "service", len(services)
    yield "network", len(networks)
    yield "machine", len(swarm.members) if swarm else len(desired.cluster.nodes)
    yield "Consul", len(desired.cluster.nodes)
