"""What becomes of a service's tasks when a machine is drained."""

from typing import Any

import pytest

from deployer.diff.placement import elsewhere
from deployer.model.observed import Member
from tests.literals.live import deploy_service
from tests.literals.stacks import make_service, with_container, with_template
from tests.literals.swarm import make_member

LEAVING = make_member("n1", "manager")
SECOND = make_member("n2", labels={"zone": "Par2"})
THIRD = make_member("n3", availability="pause")
FOURTH = make_member("n4", state="down")
ALL = (LEAVING, SECOND, THIRD, FOURTH)


def never(*constraints: str, replicas: int = 1, members: tuple[Member, ...] = ALL, **more: Any) -> str:
    placement = {"Constraints": list(constraints), **more.pop("placement", {})}
    body = with_template(make_service("web", replicas, **more), Placement=placement)
    return elsewhere(deploy_service(body), LEAVING, members).never


@pytest.mark.parametrize(
    "constraint",
    ["node.role==worker", "node.role != manager", "node.labels.zone == par2", "node.labels.zone != par1", "node.labels.disk!=ssd",
     "node.id == n2", "node.hostname==N2", "engine.labels.storage == ssd", "node.platform.os == linux", "nonsense"],
)  # fmt: skip
def test_another_machine_fulfils_it_or_may(constraint: str) -> None:
    assert never(constraint) == ""


@pytest.mark.parametrize(
    "constraint",
    ["node.role == manager", "node.labels.zone==par1", "node.labels.disk == ssd", "node.hostname == n3", "node.id==n4"],
)
def test_no_other_machine_that_takes_tasks_does(constraint: str) -> None:
    assert never(constraint) == f"cannot run elsewhere: there is no other machine that has {constraint}"


def test_no_other_machine_at_all() -> None:
    assert never(members=(LEAVING, THIRD, FOURTH)) == "cannot run elsewhere: there is no other machine"


def test_too_few_for_all_of_its_tasks() -> None:
    assert "at most 1 on each of the other 1 machines" in never(replicas=2, placement={"MaxReplicas": 1})
    assert never(replicas=2, placement={"MaxReplicas": 2}) == ""
    ports = {"Ports": [{"TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host"}]}
    assert "port 8080 can be had once on each" in never(replicas=2, EndpointSpec=ports)
    assert never(replicas=1, EndpointSpec=ports) == ""
    assert never(replicas=2, EndpointSpec={"Ports": [{"TargetPort": 80, "PublishMode": "host"}]}) == ""


def test_one_on_every_machine_is_wanted_on_none_that_is_drained() -> None:
    everywhere = deploy_service(make_service("agent", Mode={"Global": {}}), wanted=2)
    assert elsewhere(everywhere, LEAVING, (LEAVING,)).never == ""


@pytest.mark.parametrize(
    ("mount", "lost"),
    [
        ({"Type": "volume", "Source": "data"}, True),
        ({"Type": "volume", "Source": "data", "VolumeOptions": {"DriverConfig": {"Name": "local"}}}, True),
        ({"Type": "volume", "Source": "data", "VolumeOptions": {"DriverConfig": {"Name": "nfs"}}}, False),
        ({"Type": "volume"}, False),
        ({"Type": "bind", "Source": "/srv"}, False),
    ],
)
def test_volumes_of_the_machine_stay_there(mount: dict[str, Any], lost: bool) -> None:  # noqa: FBT001
    one = deploy_service(with_container(make_service("db", 1), Mounts=[mount]))
    assert bool(elsewhere(one, LEAVING, ALL).loses) == lost
