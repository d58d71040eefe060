from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.lock.holder import Holder
from deployer.model.services import Check, Instance, Services
from deployer.report.lock import lock_text, unlock_document, unlocked_text
from deployer.report.services import services_document, services_text
from tests.report.schemas import check

if TYPE_CHECKING:
    from deployer.report.paint import Paint

LISTED = Services(
    "sandbox",
    (
        Instance("consul", "consul", "10.0.0.1", 8300, "m1", "m1", (), (Check("Serf Health Status", "passing"),)),
        Instance("web", "m1:web.1:80", "10.0.0.1", 30001, "m1", "m1", ("v1", "eu\x1b[2J")),
        Instance("web", "m2:web.2:80", "fd00::2", 0, "m2", "m1", (), (Check("Alive", "critical", "500"),)),
    ),
)
HOLDER = Holder("9d3711bb", "ann@a", "42", "1a2b3c4d5e", "2026-08-22T14:15:03+00:00", "20260822-141503-7f3a")


def test_a_row_an_instance_and_the_sum(plain: Paint) -> None:
    assert services_text(LISTED, plain) == (
        r"""SERVICE   INSTANCES   ADDRESS:PORT     NODE   HEALTH     TAGS
consul    1/1         10.0.0.1:8300    m1     passing    -
web       1/2         10.0.0.1:30001   m1     passing    v1,eu\x1b[2J
web       1/2         [fd00::2]        m2     critical   -

sandbox: 2 services, 3 instances, 1 of them not passing
"""
    )


def test_an_empty_catalogue(plain: Paint) -> None:
    assert services_text(Services("sandbox", ()), plain) == "sandbox: 0 services, 0 instances\n"


def test_a_healthy_one(plain: Paint) -> None:
    healthy = Services("sandbox", LISTED.instances[:2])
    assert services_text(healthy, plain).splitlines()[-1] == "sandbox: 2 services, 2 instances, all passing"


def test_health_has_its_colour(colours: Paint) -> None:
    text = services_text(LISTED, colours)
    assert text.count("\x1b[") == 2 * 3, "each of three words is painted, and nothing else"


def test_the_catalogue_as_json() -> None:
    read = check("services", services_document(LISTED))
    web = read["instances"][2]
    assert (web["machine"], web["node"], web["health"], web["port"]) == ("m2", "m1", "critical", 0)
    assert web["checks"] == [{"name": "Alive", "status": "critical", "output": "500"}]


def test_a_lock_and_its_end() -> None:
    shown = lock_text("sandbox", HOLDER, HOLDER.id)
    assert shown.startswith("Cluster sandbox is locked by ann@a (process 42, commit 1a2b3c4d5e, for ")
    assert shown.endswith("\nLock: 9d3711bb\n")
    assert unlocked_text("sandbox", HOLDER).endswith("is taken away: cluster sandbox is free.\n")
    assert unlocked_text("sandbox", None) == "Cluster sandbox is not locked.\n"


def test_a_lock_that_was_taken_away_as_json() -> None:
    read = check("unlock", unlock_document("sandbox", HOLDER.told(), "gone"))
    assert (read["lock"]["id"], read["lock"]["who"], read["reason"]) == ("9d3711bb", "ann@a", "gone")
    assert check("unlock", unlock_document("sandbox", None, ""))["lock"] is None
