from __future__ import annotations

from typing import Any

from deployer.registrator.mesh import mesh
from tests.registrator.boxes import HOST, options

PORT = {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8090, "PublishMode": "ingress"}
NODES = [
    {
        "ID": "n1",
        "Description": {"Hostname": "master"},
        "Status": {"Addr": "0.0.0.0"},
        "ManagerStatus": {"Addr": "10.0.0.1:2377"},
    },
    {"ID": "n2", "Description": {"Hostname": "slave"}, "Status": {"Addr": "10.0.0.2"}},
]


def service(*ports: dict[str, Any], labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {"ID": "s1", "Spec": {"Name": "shop_web", "Labels": labels or {}}, "Endpoint": {"Ports": list(ports)}}


def task(id_: str, node: str, slot: int | None, state: str = "running", desired: str = "running") -> dict[str, Any]:
    spec = {
        "ContainerSpec": {
            "Image": "lib/nginx:1@sha256:00",
            "Env": ["SERVICE_TAGS=a,b"],
            "Labels": {"SERVICE_REGION": "eu"},
        }
    }
    told = {
        "ID": id_,
        "ServiceID": "s1",
        "NodeID": node,
        "DesiredState": desired,
        "Status": {"State": state},
        "Spec": spec,
    }
    return told if slot is None else {**told, "Slot": slot}


def test_each_running_task_at_its_nodes_address() -> None:
    made = mesh([service(PORT)], [task("t1", "n1", 1), task("t2", "n2", 2)], NODES, HOST, options("-ip=9.9.9.9"))
    assert [*made] == ["task:t1", "task:t2"]
    services = [one for found in made.values() for one in found.services]
    assert [(one.id, one.name, one.address, one.port) for one in services] == [
        ("slave:shop_web.1.t1:80", "nginx", "10.0.0.1", 8090),
        ("slave:shop_web.2.t2:80", "nginx", "10.0.0.2", 8090),
    ]
    assert services[0].tags == ("b", "a")
    assert services[0].meta == {
        "region": "eu", "registrator-engine": "ENGINE", "registrator-container": "task:t1",
        "swarm-service": "shop_web", "swarm-slot": "1", "swarm-node": "master", "swarm-task": "t1",
    }  # fmt: skip


def test_what_does_not_run_is_not_there() -> None:
    tasks = [task("t1", "n1", 1, state="starting"), task("t2", "n1", 1, desired="shutdown"), task("t3", "gone", 2)]
    assert mesh([service(PORT)], tasks, NODES, HOST, options()) == {}


def test_ports_of_the_host_are_the_nodes_own_business() -> None:
    host = {**PORT, "PublishMode": "host"}
    assert mesh([service(host)], [task("t1", "n1", 1)], NODES, HOST, options()) == {}


def test_the_services_own_labels_win_and_names_follow_the_same_rules() -> None:
    two = service(
        PORT,
        {**PORT, "TargetPort": 443, "PublishedPort": 8443},
        labels={"SERVICE_NAME": "shop", "SERVICE_REGION": "us"},
    )
    made = mesh([two], [task("t1", "n2", None)], NODES, HOST, options())["task:t1"].services
    assert [(one.id, one.name) for one in made] == [
        ("slave:shop_web.n2.t1:80", "shop-80"),
        ("slave:shop_web.n2.t1:443", "shop-443"),
    ]
    assert made[0].meta["region"] == "us"
    assert "swarm-slot" not in made[0].meta
