from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployer.errors import UsageError
from deployer.sandbox import spec, text

HERE = spec.Sandbox(
    name="try",
    machines=(
        spec.Machine("consul", "10.99.0.11", "running", ssh=True),
        spec.Machine("m2", "10.99.0.12", "exited", ssh=False),
    ),
    identity_file=Path("/state/id_ed25519"),
    known_hosts="",
    registry="http://registry.sandbox:5000",
    registry_state="running",
    subnet="10.99.0.0/24",
)


@pytest.mark.parametrize(
    ("count", "names"),
    [
        (1, ("consul",)),
        (3, ("consul", "master", "slave")),
        (4, ("consul", "master", "slave", "slave2")),
        (6, ("consul", "master", "slave", "slave2", "slave3", "slave4")),
    ],
)
def test_machines_have_the_tutorials_names(count: int, names: tuple[str, ...]) -> None:
    assert spec.machine_names(count) == names


@pytest.mark.parametrize(
    ("name", "machines"),
    [
        ("Try", ["a"]),
        ("try", ["a_b"]),
        ("try", ["-a"]),
        ("try", ["a\n"]),
        ("try", ["$(x)"]),
        ("try", ["registry"]),
        ("try", ["a", "a"]),
        ("try", []),
        ("try", [f"m{number}" for number in range(17)]),
    ],
)
def test_what_cannot_be_a_sandbox_is_wrong_usage(name: str, machines: list[str]) -> None:
    with pytest.raises(UsageError):
        spec.checked(name, machines)


def test_the_table_has_a_line_for_each_machine_and_the_registry() -> None:
    assert text.table(HERE) == (
        "NAME      ADDRESS                STATE    SSH\n"
        "consul    10.99.0.11             running  ok\n"
        "m2        10.99.0.12             exited   -\n"
        "registry  registry.sandbox:5000  running"
    )


def test_json_says_the_same() -> None:
    document = json.loads(text.as_json(HERE))
    assert document["machines"][1] == {"name": "m2", "address": "10.99.0.12", "state": "exited", "ssh": False}
    assert document["registry"] == {"url": "http://registry.sandbox:5000", "state": "running"}
