"""The ways in which a deploy fails: what each is made of, what is said of it, and what becomes of the service.

docs/stacks.md has them as a table, which tests/execute/test_failure_table.py compares; test_failures.py plays them on the
real cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent
from typing import Final

STAYS: Final = "trap 'exit 0' TERM; sleep 600 & wait"
"""A program that goes on, and ends at once when it is asked to."""
GOOD: Final = f"""\
image: redis:7
command: ["sh", "-c", "{STAYS}"]
"""
"""What runs before, where there is something to go back to."""


@dataclass(frozen=True)
class Kind:
    """One way to fail. `bad` is the service `x` of a stack named `stack`, in YAML; `good` what it was, None where it is new."""

    stack: str
    title: str
    bad: str
    told: str
    """A part of what the failed step says."""
    when: str
    good: str | None = GOOD
    log: str = ""
    """A part of the lines below it."""
    settings: str = ""
    """Of `x-deployer`."""

    @property
    def back(self) -> bool:
        return self.good is not None

    def compose(self, *, fails: bool) -> str | None:
        """The stack's file; None where there is none before it fails. Without a network of its own: each costs an address range."""
        service = self.bad if fails else self.good
        if service is None:
            return None
        head = f"x-deployer: {{{self.settings}}}\n" if fails and self.settings else ""
        return f"{head}services:\n  x:\n    network_mode: host\n{indent(dedent(service), '    ')}"


def _shell(script: str, *more: str, grace: str = "1s") -> str:
    lines = ["image: redis:7", f'command: ["sh", "-c", "{script}"]', f"stop_grace_period: {grace}", *more]
    return "\n".join(lines) + "\n"


CHECK: Final = 'healthcheck: {test: [CMD-SHELL, "echo not well; exit 1"], interval: 1s, retries: 2}'
CHECK_SECONDS: Final = 2.0
"""interval times retries"""
SOON: Final = "deploy: {restart_policy: {delay: 1s}}"

KINDS: Final = (
    Kind("f-image", "no registry has the image", "image: redis:nosuch\n",
         "its image cannot be had", "at once", log="No such image", settings="images: {resolve: never}"),
    Kind("f-start", "the program cannot be started", 'image: redis:7\ncommand: ["/nonesuch"]\n',
         "its update is paused", "when Swarm pauses the update", log="/nonesuch"),
    Kind("f-dies", "an updated task dies", _shell("echo going down; exit 3"),
         "its update is paused", "at the first", log="going down"),
    Kind("f-loop", "a new service's tasks die again and again", _shell("echo tick; sleep 1; exit 3", SOON),
         "3 of its tasks failed", "at the third", good=None, log="tick"),
    Kind("f-late", "a task dies some seconds after its start", _shell("echo so far; sleep 1; exit 3"),
         "its update is paused", "within `update_config.monitor` (5 s)", log="so far"),
    Kind("f-sick", "the health check fails",
         _shell("trap 'exit 3' TERM; echo sick; while true; do sleep 0.1; done", CHECK),
         "a task is unhealthy", "interval times retries", log="health check: not well"),
    Kind("f-ends", "the health check fails, and the program ends with 0 when it is stopped", _shell(STAYS, CHECK),
         "a task is unhealthy", "interval times retries", good=None, log="health check: not well"),
    Kind("f-place", "no machine meets the constraints",
         "image: redis:7\ndeploy: {placement: {constraints: [engine.labels.nobody == has]}}\n",
         "no machine suits it (scheduling constraints not satisfied", "2 s, while no machine is down",
         log="no suitable node (scheduling constraints not satisfied"),
    Kind("f-room", "no machine has room", "image: redis:7\ndeploy: {resources: {reservations: {memory: 900G}}}\n",
         "not running after 12 s", "`wait`", log="insufficient resources", settings="wait: 12s"),
    Kind("f-once", "a service that runs once fails", _shell("echo migrating; exit 4", "restart: 'no'"),
         "a task failed, and it is not to be restarted", "at once", good=None, log="migrating"),
    Kind("f-job", "a job fails", _shell("echo counting; exit 5", "deploy: {mode: replicated-job, restart_policy: {condition: none}}"),
         "a task failed, and it is not to be restarted", "at once", good=None, log="counting"),
    Kind("f-swarm", "Swarm itself rolls the update back (`failure_action: rollback`)",
         _shell("echo back we go; exit 3", "deploy: {update_config: {failure_action: rollback}}"),
         "its update failed and was rolled back", "when Swarm is done", log="back we go"),
    Kind("f-on", "Swarm goes on with an update that fails (`failure_action: continue`)",
         _shell("echo on and on; exit 3", "deploy: {update_config: {failure_action: continue}, restart_policy: {delay: 1s}}"),
         "3 of its tasks failed", "at the third", log="on and on"),
)  # fmt: skip


def table() -> str:
    """The kinds as docs/stacks.md has them."""
    head = ["| what fails | found | what is said of it |", "|---|---|---|"]
    return "\n".join([*head, *(f"| {kind.title} | {kind.when} | `{kind.told}` |" for kind in KINDS)]) + "\n"
