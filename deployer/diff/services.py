"""One service: its stamped body and its live counterpart in, what differs out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from deployer.diff.body import hash_of, normalise_service
from deployer.diff.change import (
    Blocked,
    Cause,
    Change,
    Drifted,
    Field,
    ServiceDiffers,
    ServiceMissing,
    ServiceReplaced,
    ServiceUnsettled,
)
from deployer.diff.drift import Rules, compare, digests
from deployer.diff.effect import Effect, effect, template_of
from deployer.diff.plain import plainly_same
from deployer.diff.veil import veiled
from deployer.model import labels
from deployer.model.spec import ServiceSpec
from deployer.model.stack import Body

if TYPE_CHECKING:
    from deployer.diff.drift import Compared
    from deployer.model.observed import LiveObject, LiveService, Member, Swarm

Reference = tuple[str, str]
"""(kind, name) of something that a service refers to."""


Again = Callable[[], tuple[Mapping[str, Any], Body]]
"""The live body, normalised; and as it is sent once more."""


class Finding(NamedTuple):
    """What one object lacks, why it cannot have it, and what of it is left although it drifted."""

    changes: tuple[Change, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    drifted: tuple[Drifted, ...] = ()


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


def diff_service(cluster: str, commit: str, stack: str, body: Body, seen: Seen, rules: Rules) -> Finding:
    """What one service lacks: nothing, a change, or a reason why it cannot be had. `body` says whose it is."""
    name = str(body["Name"])
    live = seen.services.get(name)
    if live is None:
        return Finding((ServiceMissing(stack, name, stamped(body, commit)),))
    if live.labels.get(labels.CLUSTER) != cluster:
        return Finding(blocked=(foreign("service", name),))
    old_mode, new_mode = ServiceSpec(live.spec).mode, ServiceSpec(body).mode
    if old_mode != new_mode:
        # Engines refuse to change it (swarmkit, manager/controlapi/service.go, errModeChangeNotAllowed).
        other = (Field("Mode", old_mode, new_mode),)
        cause = Cause.DRIFTED if live.labels.get(labels.HASH) == hash_of(body) else Cause.CHANGED
        return Finding((ServiceReplaced(stack, name, stamped(body, commit), live, other, cause),))
    names = {**seen.networks, **_predefined(body, live.spec, seen.networks)}

    def again() -> tuple[Mapping[str, Any], Body]:
        kept = {**live.labels, **_volatile(stamped(body, commit))}
        sent = ServiceSpec(live.spec).with_labels(kept).with_template(_template(live, names)).raw
        return normalise_service(live.spec, names), sent

    same = plainly_same(live.spec, body, names)
    present, wanted = ({}, {}) if same else (normalise_service(live.spec, names), normalise_service(body, names))
    if present == wanted:
        return Finding(_unsettled(stack, name, live, seen, again))
    compared = compare(present, wanted, live.labels, hash_of(body), rules)
    left = (Drifted(stack, name, veiled(compared.left, body, live.labels)),) if compared.left else ()
    if not compared.fields:
        return Finding(_unsettled(stack, name, live, seen, again), drifted=left)
    # Git stands still, nobody's hand did it: the image's tag stands for another one by now.
    moved = compared.cause is Cause.CHANGED and live.labels.get(labels.HASH) == hash_of(body)
    cause = Cause.MOVED if moved else compared.cause
    what = effect(live, present, compared.target, seen.members)
    sent = _to_send(stamped(body, commit), _template(live, names), live, present, compared)
    shown = veiled(compared.fields, body, live.labels)
    return Finding((ServiceDiffers(stack, name, sent, live, shown, cause, what),), drifted=left)


def stamped(body: Body, commit: str) -> dict[str, Any]:
    """The body with its volatile labels, which only the service carries, never its tasks."""
    kept = {key: value for key, value in (body.get("Labels") or {}).items() if key not in labels.VOLATILE}
    told = {labels.HASH: hash_of(body), labels.FIELDS: digests(normalise_service(body, {})), labels.COMMIT: commit}
    digest = (body.get("Labels") or {}).get(labels.DIGEST)
    return {**body, "Labels": {**kept, **told, **({labels.DIGEST: digest} if digest else {})}}


def _unsettled(stack: str, name: str, live: LiveService, seen: Seen, again: Again) -> tuple[Change, ...]:
    """The definition is in order; are the tasks?

    Only another update takes a service out of a paused or rolled-back one; one with the same spec does (tried on
    Engine 26.1). Without it a run that failed once would fail for ever.
    """
    unsettled = not counts_agree(live, all_ready=seen.all_ready)
    if live.failed and not live.running:
        # Swarm does not try it again, and an update with the same spec would not either.
        _, body = again()
        spec = ServiceSpec(body)
        once_more = spec.with_template({**spec.template, "ForceUpdate": spec.forced + 1}).raw
        return (ServiceDiffers(stack, name, once_more, live, (), Cause.NOT_HEALTHY, Effect(starts=live.failed)),)
    if live.update_state in STALLED_UPDATES or (live.update_state == ROLLED_BACK and unsettled):
        present, body = again()
        pace = effect(live, present, present, seen.members)
        rest = pace if pace.job else Effect(at_once=pace.at_once, order=pace.order, rest=True)
        return (ServiceDiffers(stack, name, body, live, (), Cause.NOT_HEALTHY, rest),)
    if live.update_state in RUNNING_UPDATES or unsettled:
        return (ServiceUnsettled(stack, name, live.running, live.wanted),)
    return ()


def counts_agree(live: LiveService, *, all_ready: bool) -> bool:
    """Whether as many tasks run as are wanted.

    Too many is a shrinking service, except while a machine is down: its tasks count as running until Swarm forgets
    them after a day (swarmkit#1270, moby#45922), and a wait for them would hold up everything else.
    """
    if live.finite:
        return not live.failed
    return live.running == live.wanted or (live.running > live.wanted and not all_ready)


def was_well(live: LiveService, *, ready: bool) -> bool:
    """Whether it ran as it should: what an update that fails can go back to. `ready`: all machines of the swarm were."""
    return live.update_state not in {*STALLED_UPDATES, *RUNNING_UPDATES} and counts_agree(live, all_ready=ready)


def _predefined(body: Body, live: Mapping[str, Any], networks: Mapping[str, str]) -> dict[str, str]:
    """The id of `host` or its like in the live spec: Swarm has networks of these names that no engine lists."""
    ids = [id_ for kind, id_ in references(live) if kind == "network" and id_ not in {*networks, *PREDEFINED}]
    names = [name for kind, name in references(body) if kind == "network" and name in PREDEFINED]
    return {ids[0]: names[0]} if len(ids) == len(names) == 1 else {}


def _to_send(
    body: Body,
    template: Mapping[str, Any],
    live: LiveService,
    present: Mapping[str, Any],
    compared: Compared,
) -> Body:
    """The body of the update. What tasks are made of is sent as it lives, where nothing of it is to change.

    swarmkit compares it byte for byte: an empty section in the place of none would restart every task, and so would
    another `ForceUpdate`, which counts `docker service update --force`.
    """
    sent: Body = body
    if compared.kept:
        sent = {**compared.target, "Labels": {**compared.target.get("Labels", {}), **_volatile(body)}}
    change = template_of(present, compared.target)
    if change == "differs":
        forced = {"ForceUpdate": template["ForceUpdate"]} if template.get("ForceUpdate") else {}
        return ServiceSpec(sent).with_template({**ServiceSpec(sent).template, **forced}).raw
    if change == "placement":
        template = {**template, "Placement": ServiceSpec(sent).placement}
    endpoint = {"EndpointSpec": live.spec["EndpointSpec"]} if live.spec.get("EndpointSpec") else {}
    return ServiceSpec({**sent, **endpoint}).with_template(template).raw


def _template(live: LiveService, names: Mapping[str, str]) -> dict[str, Any]:
    """The live task template, with networks by name: that is how plans speak of them, and engines take both."""
    spec = ServiceSpec(live.spec)
    networks = [{**one, "Target": names.get(one["Target"], one["Target"])} for one in spec.attachments]
    return {**spec.template, "Networks": networks} if networks else spec.template


def _volatile(body: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in body["Labels"].items() if key in labels.VOLATILE}


def references(body: Body) -> tuple[Reference, ...]:
    """What must be there before a service: its networks, configs and secrets, whichever stack defines them."""
    spec = ServiceSpec(body)
    return (
        *(("network", name) for name in spec.networks),
        *(("config", str(config["ConfigName"])) for config in spec.configs),
        *(("secret", str(secret["SecretName"])) for secret in spec.secrets),
    )


def foreign(kind: str, name: str) -> Blocked:
    """What stands in the way of everything that has a name of ours and not our label."""
    return Blocked(
        f"{kind} {name}", f"it exists and is not this cluster's (no label {labels.CLUSTER} of it)",
        "remove or rename one of the two; what deployer does not own it never changes",
    )  # fmt: skip
