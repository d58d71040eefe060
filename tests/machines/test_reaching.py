"""What is said of the ports between machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.machines.reaching import Checked, checked_document, checked_text
from deployer.remote.ports import Found, Way
from tests.fakes import cluster
from tests.report.schemas import check

if TYPE_CHECKING:
    from deployer.model.ports import Port


def way(port: Port) -> Way:
    return Way("a", "b", "192.0.2.1", port)


CHECKED = Checked(
    (
        Found(way((2377, "tcp")), "closed", "no answer"),
        Found(way((7946, "tcp")), "open"),
        Found(way((7946, "udp")), "unknown", "the port is in use, and UDP does not tell"),
    ),
    (("c", "no answer within 5 s"),),
)


def test_each_closed_port_is_named_and_the_rest_is_counted() -> None:
    assert checked_text(CHECKED).splitlines() == [
        "a cannot reach b at 192.0.2.1 port 2377/tcp: open it in the firewalls",
        "c could not be asked: no answer within 5 s",
        "1 not told: the port is in use, and UDP does not tell",
        "1 of 3 ways between machines are open",
    ]


def test_the_document_is_as_its_schema_says() -> None:
    document = check("ports", checked_document(cluster(), CHECKED))
    assert [one["state"] for one in document["ways"]] == ["closed", "open", "unknown"]
