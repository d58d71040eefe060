"""Steps at Consul: the waits for it, and its catalogue of machines."""

from dataclasses import replace

from deployer.model import labels
from deployer.model.observed import CatalogueNode, Observed
from deployer.plan.consul import AwaitConsul, DeregisterNode, RegisterNode
from tests.model_cluster.step import get_engine, run_step


@run_step.register
def await_consul(operation: AwaitConsul, seen: Observed, manager: str) -> Observed:
    assert _runs_consul(seen, operation.node)
    return replace(seen, catalogue=seen.catalogue if isinstance(seen.catalogue, tuple) else ())


@run_step.register
def register_node(operation: RegisterNode, seen: Observed, manager: str) -> Observed:
    assert isinstance(seen.catalogue, tuple), "registered before Consul answers"
    assert _runs_consul(seen, operation.via)
    version = get_engine(seen, operation.node).version
    meta = {key: value.replace(labels.ENGINE_VERSION, version) for key, value in operation.meta.items()}
    others = tuple(entry for entry in seen.catalogue if entry.name != operation.node)
    return replace(seen, catalogue=(*others, CatalogueNode(operation.node, operation.address, meta)))


@run_step.register
def deregister_node(operation: DeregisterNode, seen: Observed, manager: str) -> Observed:
    assert isinstance(seen.catalogue, tuple)
    assert _runs_consul(seen, operation.via)
    return replace(seen, catalogue=tuple(entry for entry in seen.catalogue if entry.name != operation.node))


def _runs_consul(seen: Observed, name: str) -> bool:
    mine = [one for one in get_engine(seen, name).containers if one.labels.get(labels.ROLE) == "consul"]
    return any(one.state == "running" for one in mine)
