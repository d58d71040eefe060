"""The proxy's networks, and what it cannot reach."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.diff.proxy import virtual_host, virtual_hosts, with_proxy
from deployer.diff.seen import Seen
from deployer.model.cluster import Proxy
from tests.literals.desired import ALONE
from tests.literals.live import deploy_service
from tests.literals.stacks import make_service, make_stack, with_container, with_networks

if TYPE_CHECKING:
    from deployer.model.observed import LiveService
    from deployer.model.stack import Body

CLUSTER = replace(ALONE, proxy=Proxy(stack="edge", service="nginx"))


def service(name: str, *networks: str, host: str = "", count: int = 1) -> dict[str, Any]:
    body = with_networks(make_service(name, count), *networks)
    return with_container(body, Env=[f"VIRTUAL_HOST={host}"]) if host else body


def joined(*services: Body) -> list[str]:
    """The proxy's networks then."""
    stacks = [make_stack("edge", service("edge_nginx", "edge_own")), make_stack("shop", *services)]
    (proxy,) = with_proxy(CLUSTER, stacks)[0].services
    assert with_proxy(CLUSTER, with_proxy(CLUSTER, stacks)) == with_proxy(CLUSTER, stacks)
    return [network["Target"] for network in proxy["TaskTemplate"]["Networks"]]


def test_it_is_on_every_network_of_a_service_with_a_virtual_host() -> None:
    web, api = service("shop_web", "front", "back", host="a.example"), service("shop_api", "front", host="b.example")
    assert joined(web, api, service("shop_db", "db")) == ["edge_own", "back", "front"]
    assert joined(api) == ["edge_own", "front"]
    assert joined(service("shop_db", "db")) == ["edge_own"]


def test_a_machines_own_network_is_none_that_can_be_joined() -> None:
    assert joined(service("shop_web", "host", host="a.example")) == ["edge_own"]


def test_without_a_proxy_nothing_changes() -> None:
    stacks = (make_stack("edge", service("edge_nginx", "host", host="x")),)
    assert with_proxy(replace(CLUSTER, proxy=None), stacks) == stacks
    assert with_proxy(CLUSTER, stacks) == stacks
    assert virtual_hosts(replace(CLUSTER, proxy=None), stacks, Seen()) == ()


@pytest.mark.parametrize(
    ("env", "labels", "service_labels", "host"),
    [
        (["VIRTUAL_HOST=a", "X=1"], None, None, "a"),
        (["VIRTUAL_HOST_X=a", "VIRTUAL_HOST"], {"VIRTUAL_HOST": "b"}, None, "b"),
        (None, {}, {"VIRTUAL_HOST": "c"}, "c"),
        (None, None, None, ""),
    ],
)
def test_a_variable_or_a_label(env: Any, labels: Any, service_labels: Any, host: str) -> None:
    body = with_container(make_service("shop_web"), Env=env, Labels=labels)
    assert virtual_host({**body, "Labels": service_labels}) == host


WEB = service("shop_web", "front", host="a.example,b.example")
PROXY = service("edge_nginx", "front")


@pytest.mark.parametrize(
    ("live", "note"),
    [
        ([deploy_service(PROXY), deploy_service(WEB)], ""),
        ([deploy_service(WEB)], "the proxy, edge_nginx, is not there"),
        ([deploy_service(PROXY, running=0), deploy_service(WEB)], "no task of the proxy, edge_nginx, runs"),
        ([deploy_service(PROXY)], "the service is not there"),
        ([deploy_service(PROXY), deploy_service(WEB, running=0, wanted=3)], "0 of its 3 tasks run"),
        ([deploy_service(PROXY), deploy_service(WEB, running=0, wanted=0)], "its count is 0"),
        ([deploy_service(service("edge_nginx", "other")), deploy_service(WEB)], "edge_nginx is not on front"),
        ([deploy_service(PROXY), deploy_service(service("shop_web", "host"))], "it is on no network of the swarm"),
    ],
)
def test_why_a_name_cannot_be_reached(live: list[LiveService], note: str) -> None:
    seen = Seen({one.name: one for one in live}, networks={"id1": "front"})
    found = virtual_hosts(CLUSTER, [make_stack("edge", PROXY), make_stack("shop", WEB)], seen)
    assert [(one.host, one.service, one.note) for one in found] == [
        ("a.example", "shop_web", note),
        ("b.example", "shop_web", note),
    ]


def test_live_networks_are_known_by_their_ids() -> None:
    seen = Seen(
        {
            "edge_nginx": deploy_service(service("edge_nginx", "id1")),
            "shop_web": deploy_service(service("shop_web", "id1")),
        },
        networks={"id1": "front"},
    )
    assert {one.note for one in virtual_hosts(CLUSTER, [make_stack("shop", WEB)], seen)} == {""}
