"""One step of a plan. What each kind of operation does stands beside this module, by domain; each registers itself here."""

from dataclasses import replace
from functools import singledispatch
from typing import Any

from deployer.model.observed import Engine, Machine, Observed


@singledispatch
def run_step(operation: object, seen: Observed, manager: str) -> Observed:
    """The cluster after the operation; `manager` is the machine that speaks for the swarm."""
    raise AssertionError(f"the model does not know what that does: {operation}")


def get_machine(seen: Observed, name: str) -> Machine:
    machine = seen.machines[name]
    assert isinstance(machine, Machine), f"a step on {name}, which is unreachable"
    return machine


def get_engine(seen: Observed, name: str) -> Engine:
    engine = get_machine(seen, name).engine
    assert isinstance(engine, Engine), f"a step that needs the engine of {name}, which has none"
    return engine


def change_machine(seen: Observed, name: str, **changes: Any) -> Observed:
    return replace(seen, machines={**seen.machines, name: replace(get_machine(seen, name), **changes)})


def change_engine(seen: Observed, name: str, **changes: Any) -> Observed:
    return change_machine(seen, name, engine=replace(get_engine(seen, name), **changes))
