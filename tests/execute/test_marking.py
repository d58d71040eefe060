"""Whose a member is, is written on it when it joins."""

from __future__ import annotations

from typing import Any

from deployer.plan.outcome import Done
from deployer.plan.swarm import InitSwarm
from tests.execute.plans import plan, play
from tests.fakes import FakeConnection

INFO = {"Swarm": {"NodeID": "n1", "LocalNodeState": "active"}}
MEMBER = {"Spec": {"Role": "manager", "Availability": "active", "Labels": {"zone": "a"}}, "Version": {"Index": 7}}


def start(**answers: Any) -> FakeConnection:
    machine = FakeConnection({"POST /swarm/init": (200, b'"n1"'), "GET /info": INFO, "GET /nodes/n1": MEMBER} | answers)
    outcome = play(plan(InitSwarm("m1", "10.0.0.1")), {"m1": machine}).outcomes[1]
    assert isinstance(outcome, Done), outcome
    return machine


def test_the_labels_are_added_to_those_that_are_there() -> None:
    written = start(**{"POST /nodes/n1/update": (200, b"")}).requests[-1]
    mine = {"deployer.cluster": "test", "deployer.node": "m1"}
    assert written.body == {"Role": "manager", "Availability": "active", "Labels": {"zone": "a"} | mine}
    assert written.query == {"version": "7"}


def test_a_swarm_that_is_too_busy_for_it_is_started_all_the_same() -> None:
    start(**{"POST /nodes/n1/update": (500, {"message": "update out of sequence"})})
