"""What may be registered: every id and name that registrators make, and nothing that leads elsewhere."""

from __future__ import annotations

import pytest

from deployer.model.path import segment
from deployer.model.registration import LONGEST, expiring, fits, is_reserved


@pytest.mark.parametrize(
    "text",
    ["slave:web:80", "slave:gone:53:udp", "slave:web:80:10.0.0.2-8081", "slave:web:80:fd00::1-8080", "mine", "db", "A", "7", "_nomad-task-1", "my_shop", "web@1~2", "x" * LONGEST],
)  # fmt: skip
def test_honest_ids_and_names(text: str) -> None:
    assert fits(text)
    assert not is_reserved(text)
    assert segment(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "../../leave", "a/b", "a b", "a\n", "\na", "a\0", "é", "\uff41", "a%2e", "a?b", "a#b", "-rf", ":a", "*", "a*", "a,b", "a;b", "a\\b", "x" * (LONGEST + 1)],
)  # fmt: skip
def test_others(text: str) -> None:
    assert not fits(text)


@pytest.mark.parametrize("text", ["consul", "Consul", "CONSUL", "deployer-consul", "Deployer-Registrator"])
def test_names_of_consuls_own_and_of_ours(text: str) -> None:
    assert is_reserved(text)


def test_what_expires_says_nothing_but_that() -> None:
    told = expiring("../../leave", "web")
    assert (told["ID"], told["Name"]) == ("../../leave", "web")
    assert {*told} == {"ID", "Name", "Checks"}
    (check,) = told["Checks"]
    assert (check["Status"], check["DeregisterCriticalServiceAfter"]) == ("critical", "1m")
