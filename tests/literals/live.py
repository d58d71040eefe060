"""What the swarm has of stacks: services and objects as an earlier run made them, as somebody changed them, and foreign ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from deployer.diff.stacks import stamp_service
from deployer.model import labels
from deployer.model.observed import LiveObject, LiveService
from deployer.model.stack import Body
from tests.literals.desired import CLUSTER, EARLIER
from tests.literals.stacks import with_networks

Kind = Literal["network", "config", "secret"]


def deploy_service(
    body: Body,
    *,
    version: int = 11,
    running: int | None = None,
    wanted: int | None = None,
    update_state: str = "",
    completed: int = 0,
    failed: int = 0,
    commit: str = EARLIER,
) -> LiveService:
    """The service that an earlier run made of this body, running in full unless said otherwise."""
    spec = stamp_service(body, CLUSTER, str(body["Name"]).partition("_")[0], commit)
    count = (body["Mode"].get("Replicated") or {}).get("Replicas", 1) if wanted is None else wanted
    alive = count if running is None else running
    return LiveService(f"id-{body['Name']}", version, spec, alive, count, update_state, completed, failed)


def store_ids(live: LiveService) -> LiveService:
    """The service as an engine says it: with the ids of its networks, which are `id-NAME`, in the place of their names."""
    networks = live.spec["TaskTemplate"].get("Networks") or ()
    return replace(live, spec=with_networks(live.spec, *(f"id-{one['Target']}" for one in networks)))


def deploy_object(kind: Kind, body: Body, *, stack: str = "", created: str = "") -> LiveObject:
    """The object that an earlier run made of this body; with the label of its `stack`, where one is given."""
    mine = {labels.CLUSTER: CLUSTER} | ({labels.STACK: stack} if stack else {})
    told = {**(body.get("Labels") or {}), **mine}
    return LiveObject(kind, f"id-{body['Name']}", body["Name"], told, {**body, "Labels": told}, created)


def make_foreign(kind: Kind, body: Body) -> LiveObject:
    """An object of that name that is not this cluster's."""
    return LiveObject(kind, f"id-{body['Name']}", body["Name"], body.get("Labels") or {}, body)


def change_by_hand(live: LiveService, **sections: Any) -> LiveService:
    """The service as somebody changed it: `sections` replace those of its spec, and its labels stay what deployer wrote."""
    return replace(live, spec={**live.spec, **sections})


def disown_service(live: LiveService, labels: Mapping[str, str] | None = None) -> LiveService:
    """The same service, of somebody else: it has other labels, or none."""
    return replace(live, spec={**live.spec, "Labels": dict(labels or {})})
