"""What the table does not say: health, Swarm, notes, marks."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.registrator.meta import META_LIMIT
from tests.registrator.boxes import ID, box, found, one

P80 = {"80/tcp": "8080"}


@pytest.mark.parametrize(
    ("health", "status"), [("healthy", "passing"), ("unhealthy", "critical"), ("starting", "critical")]
)
def test_dockers_health_feeds_a_check(health: str, status: str) -> None:
    made = one(box(P80, state={"Health": {"Status": health}}))
    assert made.check is not None
    assert (made.check["CheckID"], made.check["Status"], made.status) == ("docker-health:slave:web:80", status, status)


def test_a_new_status_is_no_new_registration() -> None:
    well, ill = (one(box(P80, state={"Health": {"Status": health}})) for health in ("healthy", "unhealthy"))
    assert well.hash == ill.hash
    assert well.hash != one(box(P80)).hash


def test_a_check_of_its_own_beats_dockers_health() -> None:
    made = one(box(P80, {"SERVICE_CHECK_TCP": "1"}, state={"Health": {"Status": "healthy"}}))
    assert made.check == {"TCP": "203.0.113.11:8080", "Interval": "10s"}
    assert made.status == ""


def test_an_initial_status_is_of_the_definition() -> None:
    first, other = (
        one(box(P80, {"SERVICE_CHECK_TCP": "1", "SERVICE_CHECK_INITIAL_STATUS": status}))
        for status in ("passing", "warning")
    )
    assert first.hash != other.hash


@pytest.mark.parametrize(("health", "count"), [("healthy", 1), ("unhealthy", 0), ("starting", 0), ("none", 1)])
def test_or_it_is_registered_while_healthy(health: str, count: int) -> None:
    made = found(box(P80, state={"Health": {"Status": health}}), "-health=register").services
    assert [service.check for service in made] == [None] * count


def test_or_health_is_ignored() -> None:
    assert one(box(P80, state={"Health": {"Status": "unhealthy"}}), "-health=ignore").check is None


def test_the_marks() -> None:
    assert one(box(P80)).meta == {"registrator-engine": "ENGINE", "registrator-container": ID}


def test_a_swarm_task_says_service_slot_and_node() -> None:
    labels = {
        "com.docker.swarm.service.name": "shop_web",
        "com.docker.swarm.task.name": "shop_web.3.qwertyuiop",
        "com.docker.swarm.task.id": "qwertyuiop",
    }
    meta = one(box(P80, labels=labels)).meta
    assert (meta["swarm-service"], meta["swarm-slot"], meta["swarm-node"], meta["swarm-task"]) == (
        "shop_web",
        "3",
        "slave",
        "qwertyuiop",
    )
    labels["com.docker.swarm.task.name"] = "shop_web.n0deid.qwertyuiop"
    assert "swarm-slot" not in one(box(P80, labels=labels)).meta


def test_consul_takes_so_many_attributes() -> None:
    env = {f"SERVICE_K{n:03}": "v" for n in range(100)}
    told = found(box(P80, env))
    assert len(told.services[0].meta) + 1 == META_LIMIT
    assert "registrator-engine" in told.services[0].meta
    assert any("'k099'" in note for note in told.notes)


@pytest.mark.parametrize(
    ("env", "note"),
    [
        ({"SERVICE_81_CHECK_HTTP": "/"}, "SERVICE_81_CHECK_HTTP is for a port that it does not have"),
        ({"SERVICE_NAME": "my_shop"}, "'my_shop' is no DNS label: Consul's DNS will not find it"),
        ({"SERVICE_CHECK_HTPT": "/"}, "there is no setting CHECK_HTPT; is CHECK_HTTP meant?"),
        ({"SERVICE_A.B": "x"}, "'a.b' is left out of Meta: its name, its length or a character of it"),
        ({"SERVICE_IGNORE": "1"}, "service on port 80 ignored"),
    ],
)
def test_what_is_noted(env: dict[str, str], note: str) -> None:
    assert note in found(box(P80, env)).notes


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({"SERVICE_CHECK_HTTP": "/", "SERVICE_CHECK_INTERVAL": "often"}, "CHECK_INTERVAL is 'often', no duration like 10s or 1m30s"),
        ({"SERVICE_CHECK_TTL": "0s"}, "CHECK_TTL is '0s', no duration like 10s or 1m30s"),
        ({"SERVICE_CHECK_TCP": "1", "SERVICE_CHECK_INITIAL_STATUS": "fine"}, "CHECK_INITIAL_STATUS is 'fine', not passing, warning or critical"),
        ({"SERVICE_CHECK_HTTP": "/", "SERVICE_CHECK_HTTP_METHOD": "GET /"}, "CHECK_HTTP_METHOD is 'GET /'; a check may only read: GET, HEAD, OPTIONS"),
    ],
)  # fmt: skip
def test_half_a_service_is_none(env: dict[str, str], why: str) -> None:
    told = found(box(P80, env))
    assert told.services == ()
    assert f"port 80 not registered: {why}" in told.notes


def test_an_ipv6_address_stands_in_brackets_in_a_url() -> None:
    told: dict[str, Any] = box({"80/tcp": ["fd00::1:8080"]}, {"SERVICE_CHECK_HTTP": "/x"})
    assert one(told).check == {"HTTP": "http://[fd00::1]:8080/x", "Interval": "10s"}
