from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.model.field import ABSENT, Field
from deployer.model.status import NodeStatus, RegistratorStatus, ServiceStatus, StackStatus, Status, VirtualHost
from deployer.report.status import status_text

if TYPE_CHECKING:
    from deployer.report.paint import Paint

LONG = "connection refused by 203.0.113.11 port 22 after five seconds of waiting"


@pytest.fixture
def status() -> Status:
    return Status(
        "sandbox",
        "1a2b3c4d5e" + "0" * 30,
        (
            NodeStatus("consul", "203.0.113.9", "10.0.0.9", "none", "26.1.5", None, "Synced", "Healthy"),
            NodeStatus(
                "master", "203.0.113.10", "10.0.0.10", "manager", "26.1.5", True, "OutOfSync", "Suspended", "drain"
            ),
            NodeStatus("slave", "203.0.113.11", "", "worker", "", False, "Unknown", "Unknown", LONG),
        ),
        (
            StackStatus("empty", (), "Synced", "Healthy"),
            StackStatus(
                "web",
                (
                    ServiceStatus("web_api", "api:2", 2, 3, "Synced", "Progressing", "2 of 3 running"),
                    ServiceStatus("web_cache", "registry.example.org/redis:7.4", 1, 1, "OutOfSync", "Healthy"),
                ),
                "OutOfSync",
                "Progressing",
            ),
        ),
    )


def test_two_tables_and_a_sentence(status: Status, plain: Paint) -> None:
    assert status_text(status, plain) == (
        "NAME     ADDRESS        ADVERTISE   ROLE      ENGINE   CONSUL   SYNC        HEALTH      NOTE\n"
        "consul   203.0.113.9    10.0.0.9    none      26.1.5   -        Synced      Healthy     -\n"
        "master   203.0.113.10   10.0.0.10   manager   26.1.5   yes      OutOfSync   Suspended   drain\n"
        "slave    203.0.113.11   -           worker    -        no       Unknown     Unknown     " + LONG + "\n"
        "\n"
        "STACK   SERVICE     REPLICAS   IMAGE                            SYNC        HEALTH        NOTE\n"
        "empty   -           -          -                                Synced      Healthy       -\n"
        "web     web_api     2/3        api:2                            Synced      Progressing   2 of 3 running\n"
        "web     web_cache   1/1        registry.example.org/redis:7.4   OutOfSync   Healthy       -\n"
        "\n"
        "sandbox at 1a2b3c4d5e: 3 machines and 2 stacks, 3 of them not as git says\n"
    )


def test_a_stack_has_its_own_line_where_its_services_do_not_say_it_all(status: Status, plain: Paint) -> None:
    services = (ServiceStatus("web_api", "api:2", 1, 1, "Synced", "Healthy"),)
    lines = {
        stack: status_text(replace(status, stacks=(stack,)), plain).split("\n\n")[1].splitlines()[1:]
        for stack in (
            StackStatus("web", services, "Synced", "Healthy"),
            StackStatus("web", services, "OutOfSync", "Healthy"),
            StackStatus("web", services, "Unknown", "Unknown", "no manager could be asked"),
        )
    }
    assert [[line.split()[:2] for line in found] for found in lines.values()] == [
        [["web", "web_api"]],
        [["web", "-"], ["web", "web_api"]],
        [["web", "-"], ["web", "web_api"]],
    ]


def test_on_a_terminal_the_note_is_cut_to_fit_and_elsewhere_nothing_is(status: Status, plain: Paint) -> None:
    narrow = status_text(status, plain, width=110)
    assert max(map(len, narrow.splitlines())) == 110
    assert "connection refused by…" in narrow
    assert LONG in status_text(status, plain, width=None)
    images = status_text(status, plain, width=90).split("\n\n")[1].splitlines()
    assert max(map(len, images)) == 90
    assert "registry.exam" in images[3]


def test_what_could_not_be_asked_has_no_counts(status: Status, plain: Paint) -> None:
    unknown = ServiceStatus("web_api", "api:2", 0, 0, "Unknown", "Unknown")
    stack = StackStatus("web", (unknown,), "Unknown", "Unknown", "no manager could be asked")
    lines = status_text(replace(status, stacks=(stack,)), plain).split("\n\n")[1].splitlines()
    assert lines[2].split() == ["web", "web_api", "-", "api:2", "Unknown", "Unknown", "-"]


def test_a_cluster_without_stacks_has_one_table(status: Status, plain: Paint) -> None:
    well = replace(status, nodes=status.nodes[:1], stacks=())
    assert (
        status_text(well, plain).split("\n\n")[1] == "sandbox at 1a2b3c4d5e: 1 machine and 0 stacks, all as git says\n"
    )


def test_words_have_their_colours_and_columns_stay_aligned(status: Status, colours: Paint, plain: Paint) -> None:
    painted = status_text(status, colours)
    assert "\x1b[33mOutOfSync\x1b[0m" in painted
    assert "\x1b[32mSynced   \x1b[0m" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == status_text(status, plain)


def test_a_note_from_a_machine_is_escaped(status: Status, plain: Paint) -> None:
    hostile = replace(status.nodes[0], note="a\nb\x1b[2J")
    assert "a\\nb\\x1b[2J" in status_text(replace(status, nodes=(hostile,)), plain)


@pytest.mark.parametrize(
    ("registrator", "cell"),
    [
        (RegistratorStatus(running=True, instances=3), "3/3"),
        (RegistratorStatus(running=True, instances=2, missing=("web",)), "2/3"),
        (RegistratorStatus(running=True, instances=2, stale=("a:b:80",)), "2/2, 1 stale"),
        (RegistratorStatus(running=True), "unknown"),
        (RegistratorStatus(running=False), "no"),
    ],
)
def test_how_far_the_registrator_is(status: Status, plain: Paint, registrator: RegistratorStatus, cell: str) -> None:
    first, *others = status.nodes
    lines = status_text(replace(status, nodes=(replace(first, registrator=registrator), *others)), plain).splitlines()
    at = lines[0].index("REGISTERED")
    assert lines[0].index("CONSUL") < at < lines[0].index("SYNC")
    assert lines[1][at:].startswith(f"{cell}   ")
    assert lines[3][at:].startswith("-   ")


def test_what_drifted_is_shown_field_by_field_where_that_is_asked_for(status: Status, plain: Paint) -> None:
    count, token = Field("Mode.Replicated.Replicas", 7, 2, drifted=True), "TaskTemplate.ContainerSpec.Env.TOKEN"
    drift = (count, Field(token, "hunter2", ABSENT, drifted=True))
    service = ServiceStatus("web_api", "api:2", 7, 7, "OutOfSync", "Healthy", "drifted: Replicas", drift)
    drifted = replace(status, stacks=(StackStatus("web", (service,), "OutOfSync", "Healthy"),))
    assert status_text(drifted, plain, drift=True).split("\n\n")[2].splitlines() == [
        "web_api drifted:",
        "    Mode.Replicated.Replicas: 7 -> 2",
        f"    {token}: [secret] -> (none)",
    ]
    assert "7 -> 2" not in status_text(drifted, plain)
    assert status_text(status, plain, drift=True).split("\n\n")[2] == "nothing drifted"


def test_virtual_hosts_say_whether_the_proxy_reaches_them(plain: Paint) -> None:
    hosts = (VirtualHost("a.example", "shop_web"), VirtualHost("b.example", "shop_api", "0 of its 3 tasks run"))
    status = Status("sandbox", "c" * 40, (), (), hosts)
    assert not status.well
    assert status_text(status, plain).splitlines()[:3] == [
        "VIRTUAL HOST   SERVICE    REACHED   NOTE",
        "a.example      shop_web   yes       -",
        "b.example      shop_api   no        0 of its 3 tasks run",
    ]
    last = status_text(status, plain).splitlines()[-1]
    assert last == "sandbox at cccccccccc: 0 machines and 0 stacks, all as git says; 1 virtual host not reached"
