"""Random events, seeded, against the real engine and the real Consul: at the end the catalogue equals the truth."""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.registering import MACHINE, Registering
from tests.soak.rounds import limit, seeds
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = 120
"""Of a round; `make soak` plays many, each with its own seed."""
BETWEEN = 100
"""How many events there are between two looks at the catalogue."""
SETTLE = 60
"""Seconds in which the catalogue has to be right after the last event: a container that was told to stop and did not is kept out for 15."""
FOREIGN: dict[str, dict[str, Any]] = {
    "byhand": {"ID": "byhand", "Name": "byhand", "Port": 1},
    "ghost": {"ID": "another:ghost:80", "Name": "ghost", "Port": 1, "Tags": ["a"]},
    "marked": {
        "ID": "marked",
        "Name": "marked",
        "Meta": {"registrator-engine": "ANOTHER", "registrator-container": "x"},
    },
}


class Soak:
    """The moves. Each is one thing that happens to machines; whether the engine takes it is part of the game."""

    def __init__(self, machine: Registering, dice: random.Random) -> None:
        self.machine = machine
        self.dice = dice
        self.made = 0
        self.names: list[str] = []
        for n in range(6):
            self.create(f"box{n}")

    def create(self, name: str) -> None:
        self.made += 1
        options = [
            "--publish",
            "80",
            "--env",
            f"SERVICE_NAME=soak{self.made}",
            "--restart",
            self.dice.choice(["no", "always"]),
        ]
        if self.dice.random() < 0.4:
            options += ["--health-cmd", "test ! -e /ill", "--health-interval", "1s", "--health-retries", "1"]
        if self.dice.random() < 0.3:
            options += ["--env", f"SERVICE_ID=custom{self.dice.randrange(3)}"]
        self.machine.run(name, *options)

    def moves(self) -> dict[Callable[[], object], int]:
        """What may happen, and how often."""
        docker, some = self.machine.docker, self.some
        return {
            lambda: docker("start", some()): 14,
            lambda: docker("stop", "--time", "1", some()): 10,
            lambda: docker("kill", some()): 10,
            lambda: docker("kill", "--signal", self.dice.choice(["HUP", "TERM", "USR1"]), some()): 6,
            lambda: docker("restart", "--time", "1", some()): 6,
            lambda: docker("pause", some()): 8,
            lambda: docker("unpause", some()): 10,
            lambda: docker("exec", some(), "touch", "/ill"): 8,
            lambda: docker("exec", some(), "rm", "-f", "/ill"): 8,
            lambda: docker("network", "connect", "soak", some()): 5,
            lambda: docker("network", "disconnect", "soak", some()): 5,
            self.rename: 4,
            self.recreate: 5,
            self.kill_registrator: 2,
            self.restart_consul: 1,
            self.restart_engine: 1,
        }

    def some(self) -> str:
        """A container; the engine is asked for their names only when one may have changed."""
        if not self.names:
            told = self.machine.docker("ps", "--all", "--filter", "label=test", "--format", "{{.Names}}")
            self.names = sorted(told.split())
        return self.dice.choice(self.names)

    def rename(self) -> None:
        self.machine.docker("rename", self.some(), f"box{self.dice.randrange(12)}")
        self.names = []

    def recreate(self) -> None:
        name = self.some()
        self.machine.docker("rm", "--force", name)
        self.create(name)
        self.names = []

    def kill_registrator(self) -> None:
        self.machine.kill()
        name = self.some()
        self.machine.docker(self.dice.choice(["start", "kill", "pause", "unpause"]), name)
        self.machine.again()

    def restart_consul(self) -> None:
        self.machine.docker("restart", "--time", "1", "deployer-consul")

    def restart_engine(self) -> None:
        self.machine.sh("systemctl", "reset-failed", "docker")  # systemd allows three starts a minute
        self.machine.sh("systemctl", "restart", "docker")


def expected(machine: Registering) -> tuple[set[tuple[str, int, str]], set[str]]:
    """Name, port and status of every container that runs with a published port and an id of its own; and the custom ids that somebody wants.

    Containers that want one id cannot all have it: one of them has, which is checked apart.
    """
    own, shared = set(), set()
    for box in machine.truth():
        if box.running and box.published:
            status = {"": "", "healthy": "passing"}.get(box.health, "critical")
            if "SERVICE_ID" in box.env:
                shared.add(box.env["SERVICE_ID"])
            else:
                own.add((f"{MACHINE}:{box.name}:80 {box.env['SERVICE_NAME']}", box.published, status))
    return own, shared


def wrong(machine: Registering) -> list[str]:
    """What differs between the truth and the catalogue; empty when they agree."""
    try:
        catalogue = machine.catalogue()
        own, shared = expected(machine)
        boxes = {box.env["SERVICE_NAME"]: box for box in machine.truth()}
    except (OSError, AssertionError, TypeError, ValueError) as error:
        return [f"cannot be read yet: {error!r}"]
    foreign = {told["ID"] for told in FOREIGN.values()}
    found = {
        (f"{id_} {told['Service']}", told["Port"], _status(told))
        for id_, told in catalogue.items()
        if id_ not in foreign and not id_.startswith("custom")
    }
    problems = [f"missing {entry}" for entry in own - found] + [f"stale {entry}" for entry in found - own]
    problems += [f"foreign {id_} is gone" for id_ in foreign - {*catalogue}]
    customs = {id_ for id_ in catalogue if id_.startswith("custom")}
    problems += [f"missing {id_}" for id_ in shared - customs] + [f"stale {id_}" for id_ in customs - shared]
    for id_ in customs & shared:
        told = catalogue[id_]
        box = boxes.get(told["Service"])
        if not (box and box.running and box.env.get("SERVICE_ID") == id_ and box.published == told["Port"]):
            problems.append(f"{id_} is {told['Service']}:{told['Port']}, which is not so")
    return problems


def _status(told: dict[str, Any]) -> str:
    return ",".join(told.get("Statuses", []))


@pytest.mark.timeout(limit(120 + 6 * EVENTS))
def test_random_events(machine: Registering) -> None:
    for seed in seeds(3):
        play(machine, seed)


def play(machine: Registering, seed: int) -> None:
    dice = random.Random(seed)
    machine.docker("network", "create", "soak")
    for told in FOREIGN.values():
        machine.consul("/v1/agent/service/register", "PUT", told)
    machine.start()
    try:
        soak = Soak(machine, dice)
        moves = soak.moves()
        for n in range(1, EVENTS + 1):
            try:
                dice.choices([*moves], [*moves.values()])[0]()
            except (IndexError, subprocess.SubprocessError):
                wait_until(
                    lambda: "test" in machine.docker("ps", "-a", "--format", "{{.Labels}}"),
                    "the engine to answer",
                    seconds=180,
                )
            if n % BETWEEN == 0 or n == EVENTS:
                wait_until(
                    lambda: not wrong(machine),
                    f"the catalogue to be as the containers are after {n} events with seed {seed}",
                    seconds=SETTLE,
                    saw=lambda: f"{wrong(machine)}\n{machine.log()[-6000:]}",
                )
        log = machine.log()
        assert "Traceback" not in log
        for told in FOREIGN.values():
            kept = machine.consul(f"/v1/agent/service/{told['ID']}")
            assert (kept["Service"], kept["Port"]) == (told["Name"], told.get("Port", 0))
            assert kept["Meta"] == told.get("Meta", {})
    finally:
        machine.remove()
        machine.clear()
        machine.docker("network", "rm", "soak")
