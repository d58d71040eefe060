"""The demo's cluster: Consul's machine, a manager and two workers; the stacks swarmtest and proxy, one after the other."""

from collections.abc import Iterable, Mapping, Sequence

from deployer.model.cluster import Cluster, Consul
from deployer.model.observed import LiveService, Machine, Observed, Unreachable
from deployer.model.stack import Dependency, StackObjects, StackSource
from deployer.plan.steps import Plan
from tests.decisions import decide
from tests.literals.consul import make_entry, start_consul
from tests.literals.desired import make_cluster, make_desired, make_node, make_source
from tests.literals.live import deploy_object, deploy_service, store_ids
from tests.literals.machines import make_engine, make_machine
from tests.literals.stacks import make_network, make_service, make_stack, with_networks
from tests.literals.swarm import make_member, make_observed, make_swarm

MIRRORS = {"registry-mirrors": ["http://registry:5000"]}
WITH_MIRRORS = '{"registry-mirrors": ["http://registry:5000"]}'
ADDRESSES = {"consul": "10.0.0.1", "master": "10.0.0.2", "slave": "10.0.0.3", "slave2": "10.0.0.4"}
NODES = (
    make_node("consul", "none", consul="server", daemon=MIRRORS),
    make_node("master", "manager", daemon=MIRRORS),
    make_node("slave", daemon=MIRRORS),
    make_node("slave2", daemon=MIRRORS),
)
DEMO = make_cluster(*NODES, consul=Consul())
BARE = make_observed({name: make_machine(address) for name, address in ADDRESSES.items()})
"""Its machines before the first run."""

REDIS = with_networks(make_service("swarmtest_redis", image="redis:7"), "swarmtest_default")
WEB = with_networks(make_service("swarmtest_web", 3, image="counter:1"), "swarmtest_default")
PROXY = with_networks(make_service("proxy_nginx-proxy", 1, image="nginx:1"), "proxy_default")
SWARMTEST = make_stack(
    "swarmtest",
    REDIS,
    WEB,
    networks=(make_network("swarmtest_default"),),
    order=(Dependency("swarmtest_web", "swarmtest_redis"),),
)
FRONT = make_stack("proxy", PROXY, networks=(make_network("proxy_default"),))
SOURCES = (make_source("swarmtest"), make_source("proxy", "swarmtest"))
STEPS_OF_STACKS = {
    "swarmtest_default: create",
    "proxy_default: create",
    "swarmtest_redis: create",
    "swarmtest_web: create",
    "swarmtest: wait",
    "proxy_nginx-proxy: create",
    "proxy: wait",
}
"""What a plan for bare machines does for both stacks."""

ALIVE = {
    "swarmtest_redis": store_ids(deploy_service(REDIS)),
    "swarmtest_web": store_ids(deploy_service(WEB)),
    "proxy_nginx-proxy": store_ids(deploy_service(PROXY)),
}
NETWORKS = (
    deploy_object("network", make_network("swarmtest_default")),
    deploy_object("network", make_network("proxy_default")),
)


def make_demo(
    services: Mapping[str, LiveService] | None = None,
    *,
    empty: bool = False,
    **machines: Machine | Unreachable,
) -> Observed:
    """The cluster as an earlier run left it; `machines` and `services` replace what is otherwise there.

    `empty`: without its stacks and its Consul.
    """
    consul = () if empty else (start_consul(DEMO, "consul", ADDRESSES["consul"]),)
    engines = {
        "consul": make_engine(containers=consul),
        "master": make_engine("n-master", manager=True),
        "slave": make_engine("n-slave"),
        "slave2": make_engine("n-slave2"),
    }
    there: dict[str, Machine | Unreachable] = {
        name: make_machine(ADDRESSES[name], engine, daemon_json=WITH_MIRRORS) for name, engine in engines.items()
    }
    members = (make_member("n-master", "manager", leader=True), make_member("n-slave"), make_member("n-slave2"))
    if empty:
        return make_observed(there | machines, make_swarm(*members))
    alive = {**ALIVE, **(services or {})}
    catalogue = tuple(make_entry(node.name, ADDRESSES[node.name], node.role) for node in NODES if not node.consul)
    return make_observed(there | machines, make_swarm(*members, services=alive.values(), objects=NETWORKS), catalogue)


def plan_demo(
    seen: Observed,
    cluster: Cluster = DEMO,
    sources: Iterable[StackSource] = SOURCES,
    objects: Sequence[StackObjects] = (SWARMTEST, FRONT),
) -> Plan:
    return decide(make_desired(cluster, *sources), seen, objects)
