"""docker-machine's columns, filters and templates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployer.errors import UsageError
from deployer.machines.listed import (
    filter_machines,
    filter_nodes,
    listing_document,
    listing_text,
    natural,
    read_filters,
)
from deployer.machines.listing import Listed
from deployer.model.cluster import Engine, Ssh
from tests.fakes import node
from tests.report.schemas import check

MASTER = replace(node("master", "192.0.2.1", ssh=Ssh(user="root")), labels=(("zone", "par1"),))
SLAVE = replace(node("slave2", "192.0.2.2", role="worker"), engine=Engine(daemon={"labels": ["disk=ssd"]}))
HERE = node("slave10", "local", role="none")
MACHINES = (
    Listed(MASTER, True, "Running", "master (master)", "26.1.5", seconds=0.25),
    Listed(SLAVE, False, "Timeout", "master", "", "no answer within 10 s", seconds=10.02),
    Listed(HERE, False, "Running", "", "20.10.24", "\x1b[31m"),
)


def test_the_table() -> None:
    assert listing_text(MACHINES, None) == (
        "NAME      ACTIVE   DRIVER    STATE     URL                           SWARM             DOCKER      ERRORS\n"
        "master    *        generic   Running   ssh://root@192.0.2.1          master (master)   v26.1.5\n"
        "slave2    -        generic   Timeout   ssh://192.0.2.2               master            Unknown     no answer within 10 s\n"
        "slave10   -        local     Running   unix:///var/run/docker.sock                     v20.10.24   \\x1b[31m\n"
    )


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("{{.Name}}", "master\nslave2\nslave10\n"),
        ("{{.Name}}: {{.ResponseTime}}", "master: 250ms\nslave2: 10.0s\nslave10: 0ms\n"),
        (r"table {{.Name}}\t{{.Active}}", "NAME      ACTIVE\nmaster    *\nslave2    -\nslave10   -\n"),
        ("table {{.DriverName}}", "DRIVER\ngeneric\ngeneric\nlocal\n"),
        ("{{.ActiveHost}} {{json .EngineOptions}}", 'true {}\nfalse {"labels":["disk=ssd"]}\nfalse {}\n'),
        (r"{{.Name}}\n--", "master\n--\nslave2\n--\nslave10\n--\n"),
    ],
)
def test_templates(form: str, expected: str) -> None:
    assert listing_text(MACHINES, form) == expected


@pytest.mark.parametrize("form", ["{{.Nme}}", "table {{range .Name}}", "{{.Name"])
def test_templates_that_are_wrong(form: str) -> None:
    with pytest.raises(UsageError) as caught:
        listing_text(MACHINES, form)
    assert caught.value.message.startswith("--format: ")
    assert ".DockerVersion" in caught.value.help


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], ["master", "slave2", "slave10"]),
        (["name=^slave"], ["slave2", "slave10"]),
        (["name=2$", "name=^m"], ["master", "slave2"]),
        (["driver=GENERIC"], ["master", "slave2"]),
        (["driver=local", "name=^m"], []),
        (["label=zone=par1"], ["master"]),
        (["label=zone"], ["master"]),
        (["label=disk=ssd"], ["slave2"]),
        (["state=running"], ["master", "slave10"]),
        (["swarm=master"], ["master", "slave2"]),
        (["swarm=master", "state=Timeout"], ["slave2"]),
    ],
)
def test_filters(filters: list[str], names: list[str]) -> None:
    read = read_filters(filters)
    asked = filter_nodes(read, (HERE, MASTER, SLAVE))
    assert [one.node.name for one in filter_machines(read, [one for one in MACHINES if one.node in asked])] == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("state", "'state' is no filter"),
        ("colour=red", "there is no filter 'colour'"),
        ("name=(", "'(' is no regular expression: missing ), unterminated subpattern at position 0"),
    ],
)
def test_filters_that_are_wrong(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_filters([text])
    assert caught.value.message == message


def test_names_are_sorted_as_people_do() -> None:
    names: list[Any] = ["web10", "Web2", "db", "web"]
    assert sorted(names, key=natural) == ["db", "web", "Web2", "web10"]


def test_the_document_is_what_its_schema_says() -> None:
    read = check("machines", listing_document("test", MACHINES))
    assert [one["docker"] for one in read["machines"]] == ["26.1.5", None, "20.10.24"]
