"""A process that executes a small plan and tells what happens, a line each: what signals are sent to in test_signals.py.

m1 works until the file named by the first argument appears; m2 comes after it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from deployer.entry import stop_on_signals, wait_for
from deployer.execute.run import execute
from deployer.model.command import Command, Completed
from deployer.plan.outcome import Event, Progress
from tests.execute.plans import plan, step
from tests.fakes import FakeConnection, link


def say(line: str) -> None:
    print(line, flush=True)


def listen(event: Event) -> None:
    if not isinstance(event, Progress):
        say(f"{type(event).__name__} {event.step.number}")


async def main(mark: Path) -> int:
    async def work(command: Command) -> Completed:
        while command.argv[1] == "-s" and not mark.exists():  # noqa: ASYNC110, ASYNC240 - made by the test's process
            await asyncio.sleep(0.01)
        return Completed(0, "debian\n", "")

    machines = {"m1": FakeConnection(outputs={"sh": work}), "m2": FakeConnection(outputs={"sh": work})}
    async with link(machines) as connections:
        report = await execute(
            plan(step(1, "m1"), step(2, "m2", follows=(1,))), connections, listen, say, stopping=stop_on_signals
        )
    for number, outcome in report.outcomes.items():
        say(f"{number} {outcome}")
    say(f"stopped {report.stopped}")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(wait_for(main(Path(sys.argv[1]))))
