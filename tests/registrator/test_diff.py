from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.registrator.diff import (
    Deregister,
    Register,
    Registered,
    SetStatus,
    may_take,
    operations,
    read_snapshot,
    registered,
)
from deployer.registrator.ledger import Ledger
from deployer.registrator.services import Service

WEB = Service("slave:web:80", "web", "10.0.0.1", 80, "c1")
HEALTHY = replace(WEB, check={"TTL": "1h", "Status": "passing"}, status="passing")


def test_nothing_to_do_for_what_is_there() -> None:
    assert operations([HEALTHY], [registered(HEALTHY)]) == ()


def test_what_is_missing_comes_before_what_is_too_much() -> None:
    renamed = replace(WEB, id="slave:shop:80")
    assert operations([renamed], [registered(WEB)]) == (Register(renamed), Deregister(WEB.id))


def test_another_definition_is_registered_over_the_old_one() -> None:
    moved = replace(WEB, port=81)
    assert operations([moved], [registered(WEB)]) == (Register(moved),)


def test_another_health_is_one_request_to_its_check() -> None:
    ill = replace(HEALTHY, check={"TTL": "1h", "Status": "critical"}, status="critical")
    assert operations([ill], [registered(HEALTHY)]) == (SetStatus(ill),)


def test_a_snapshot_is_parted_by_whose_it_is() -> None:
    mark = {"registrator-engine": "ENGINE", "registrator-container": "c1", "registrator-hash": "h"}
    services = {
        "b": {"Service": "web", "Meta": mark},
        "a": {"Service": "byhand", "Meta": None, "Port": 80},
        "c": {"Service": "web", "Meta": {**mark, "registrator-engine": "ANOTHER"}},
    }
    checks = {"docker-health:b": {"Status": "critical"}}
    snapshot = read_snapshot(services, checks, "ENGINE")
    assert snapshot.ours == (Registered("b", "web", "c1", "h", "critical"),)
    assert snapshot.foreign == (Registered("a", "byhand", port=80), Registered("c", "web"))


@pytest.mark.parametrize(
    ("foreign", "taken"),
    [
        (Registered("slave:web:80", "other"), True),
        (Registered("master:web:80", "other"), False),
        (Registered("db", "web", port=80), True),
        (Registered("db", "web", port=81), False),
        (Registered("db", "other", port=80), False),
    ],
)
def test_what_an_old_registrator_left_is_taken_over_and_nothing_else(foreign: Registered, *, taken: bool) -> None:
    assert may_take(replace(WEB, id=foreign.id), foreign, "slave") is taken


def test_what_happened_after_a_snapshot_was_begun_is_newer_than_it() -> None:
    ledger = Ledger()
    ledger.add(registered(WEB))
    ledger.begin()
    other = replace(WEB, id="slave:db:80", owner="c2")
    before = read_snapshot({}, {}, "ENGINE")
    stale = replace(before, ours=(registered(WEB), Registered("slave:lost:80", "lost", "c3")))
    ledger.remove(WEB.id)
    ledger.add(registered(other))
    ledger.load(stale)
    assert ledger.owners() == {"c2", "c3"}
    assert ledger.of("c1") == ()
    assert ledger.entry(other.id) == registered(other)
