"""The program as a hook runs it, on a cluster that is a file: `fake/` in the git directory, where hooks stand.

fake/services.json   what runs
fake/applied         a line for each deploy: `begin COMMIT`, `end COMMIT`
fake/hold            while it is there, and the process whose number it has, a deploy waits
fake/fail            a deploy fails; what it names alone, where it names commits
fake/refuse          a guard says no, unless `db` may go
fake/unreachable     the cluster does not answer
fake/stuck           what is pushed makes its judge stuck: in a `pattern`, in `sleep`, in a caged `child`, with ever more `memory`
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from deployer.__main__ import main
from deployer.cage.children import run_caged
from deployer.cage.doing import doing
from deployer.cage.rules import Limits, Rules
from deployer.compose import compile_stacks as real_compile
from deployer.diff.cause import Cause
from deployer.diff.change import Blocked
from deployer.errors import UnreachableError
from deployer.plan.only import restrict_plan
from deployer.plan.outcome import Began, Done, Ended, Failed, Report
from deployer.plan.stacks import CreateService
from deployer.plan.steps import Plan, Step
from deployer.remote import ConnectionFailedError, link
from deployer.workflow import apply as flow_of_apply
from deployer.workflow import compare as comparing
from deployer.workflow import plan as flow_of_plan
from deployer.workflow import run as running
from deployer.workflow import validate as validating

if TYPE_CHECKING:
    from deployer.model.consent import Consent
    from deployer.workflow.validate import Validated

FAKE = Path.cwd() / "fake"
SERVICES = FAKE / "services.json"


async def observed(*_: object) -> Any:
    if (FAKE / "unreachable").exists():
        raise UnreachableError("no machine answers", help="look after them")
    return SimpleNamespace(catalogue=None)


async def compare(
    validated: Validated, _seen: object, _link: object, _say: object, consent: Consent | None = None
) -> Any:
    running = json.loads(SERVICES.read_text()) if SERVICES.exists() else {}
    changed = [
        (stack.stack, body)
        for stack in validated.objects
        for body in stack.services
        if running.get(body["Name"]) != json.loads(json.dumps(body, default=str))
    ]
    steps = tuple(
        Step(number, CreateService(stack, body["Name"], body), Cause.NOT_FOUND)
        for number, (stack, body) in enumerate(changed, 1)
    )
    plan = Plan(validated.desired.cluster.name, validated.desired.commit, steps)
    if consent and (FAKE / "refuse").exists() and "db" not in consent.allow_delete:
        guard = Blocked("removals", "stack db would be removed", "if it is to go: --allow-delete db")
        plan = replace(plan, refused=(guard,))
    only = validated.source.only
    return SimpleNamespace(plan=restrict_plan(plan, only, validated.desired) if only else plan)


def held() -> bool:
    """A run of the tests that was killed leaves no deploy that waits for ever."""
    try:
        return Path("/proc", (FAKE / "hold").read_text()).exists()
    except FileNotFoundError:
        return False


async def execute(plan: Plan, _link: object, listen: Any, *_rest: object, **_more: object) -> Report:
    with (FAKE / "applied").open("a") as applied:
        applied.write(f"begin {plan.commit}\n")
        applied.flush()
        stopped: list[str] = []
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopped.append, "interrupted")
        while held() and not stopped:  # noqa: ASYNC110 - another process removes it
            await asyncio.sleep(0.02)
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        if stopped:
            applied.write(f"interrupted {plan.commit}\n")
            return Report(plan, {}, 0.1, "interrupted")
        outcomes: dict[int, Any] = {}
        running = json.loads(SERVICES.read_text()) if SERVICES.exists() else {}
        for step in plan.steps:
            listen(Began(step))
            failed = (FAKE / "fail").exists() and plan.commit in ((FAKE / "fail").read_text() or plan.commit)
            outcomes[step.number] = Failed(0.1, "image not found", ("pull access denied",)) if failed else Done(0.1)
            listen(Ended(step, outcomes[step.number]))
            if isinstance(step.operation, CreateService):  # a service whose tasks fail is there all the same
                running[step.operation.name] = step.operation.body
        SERVICES.write_text(json.dumps(running, default=str))
        applied.write(f"end {plan.commit}\n")
    return Report(plan, outcomes, 0.1)


def compile_stacks(*given: Any) -> Any:
    kind = (FAKE / "stuck").read_text() if (FAKE / "stuck").exists() else ""
    with doing("stacks/web/compose.yaml"):
        match kind:
            case "pattern":  # in C, where Python hears no signal
                re.fullmatch("(a+)+", "a" * 64 + "!")
            case "sleep":
                time.sleep(600)
            case "child":
                run_caged(["/bin/sleep", "600"], rules=Rules(limits=Limits(seconds=600)))
            case "memory":
                held = [bytearray(b"x") * (8 << 20) for _ in range(1000)]
                del held
            case _:
                pass
    return real_compile(*given)


def connect(*_: object) -> Any:
    """Whatever goes wrong here, the engine of the machine that runs the tests is not touched."""
    raise ConnectionFailedError("the made-up cluster has no machines")


# The seam: everything above it is real.
vars(link).update(LocalConnection=connect)
vars(flow_of_apply).update(observe_cluster=observed)
vars(flow_of_plan).update(observe_cluster=observed)
vars(comparing).update(compare=compare)
vars(running).update(execute=execute)
vars(validating).update(compile_stacks=compile_stacks)
sys.exit(main())
