"""A plan as text: the stable form that people read and tests compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from deployer.model.amounts import plural
from deployer.model.commit import short as short  # noqa: PLC0414 - it is a word of plans, too
from deployer.model.printable import printable
from deployer.model.spec import ServiceSpec
from deployer.plan.care import care_mark, describe_care
from deployer.plan.field_text import field_text
from deployer.plan.operations import (
    AwaitConsul,
    AwaitServices,
    Back,
    BuildImage,
    BuildStackImage,
    ComposeDown,
    ComposeUp,
    CreateObject,
    CreateService,
    InitSwarm,
    InstallEngine,
    JoinSwarm,
    Operation,
    PushImage,
    RegisterNode,
    RemoveImage,
    RemoveObject,
    RemoveService,
    ReplaceNetwork,
    ReplaceService,
    RetireContainer,
    RollBackStack,
    RunContainer,
    SendImage,
    UpdateMember,
    UpdateService,
    WriteDaemonJson,
)

if TYPE_CHECKING:
    from deployer.diff.change import Drifted
    from deployer.model.observed import LiveService
    from deployer.model.stack import Body
    from deployer.plan.steps import Plan, Step

Mark = Literal["+", "~", "-", "-/+", "."]


def plan_text(plan: Plan) -> str:
    """The whole plan: a line a step, the differing fields below it, what is blocked, and the sum last."""
    only = f", only {', '.join(plan.only)}" if plan.only else ""
    purpose = f": {plan.purpose}" if plan.purpose else ""
    lines = [printable(f"Plan for {plan.cluster} at {short(plan.commit)}{only}{purpose}"), ""]
    for step in plan.steps:
        lines.append(step_text(step))
        lines += [f"       {line}" for line in step_fields(step)]
        lines += [f"       {printable(line)}" for line in on_failure(step.operation)]
    for block in ([""] if plan.steps else [], _left(plan), _not_done(plan)):
        lines += [*block, ""] if any(block) else block
    lines.append(summary(plan))
    return "\n".join(lines) + "\n"


def _left(plan: Plan) -> list[str]:
    """What stays although git says otherwise."""
    lines: list[str] = []
    for left in plan.drifted:
        lines.append(printable(drifted_text(left)))
        lines += [f"       {field_text(field)}" for field in left.fields]
    return lines + [printable(f"= {kept.subject}: not in git any more, and stays: {kept.reason}") for kept in plan.kept]


def _not_done(plan: Plan) -> list[str]:
    """What cannot be done, what guards refuse, and what will not do well."""
    told = [*(("!", obstacle) for obstacle in plan.blocked), *(("x", guard) for guard in plan.refused)]
    lines: list[str] = []
    for sign, one in told:
        lines.append(printable(f"{sign} {one.told}"))
        lines += [f"    {printable(one.help)}"] if one.help else []
    for warned in plan.warned:
        lines += [printable(f"warning: {warned.subject}: {warned.reason}"), f"    {printable(warned.help)}"]
    return lines


def summary(plan: Plan) -> str:
    """`Plan: 2 to add, 1 to change, 0 to remove (4 unchanged).`"""
    if plan.empty and plan.purpose:
        return "No changes: there is nothing to do."
    if plan.empty:
        drifted = f", but for {len(plan.drifted)} drifted and left" if plan.drifted else ""
        return f"No changes: everything is as {short(plan.commit)} says{drifted} ({plan.unchanged} unchanged)."
    added, changed, removed = totals(plan)
    blocked = f"; {len(plan.blocked)} cannot be done" if plan.blocked else ""
    drifted = f"; {len(plan.drifted)} drifted and left" if plan.drifted else ""
    refused = "; refused: nothing of it is done" if plan.refused else ""
    counts = f"{added} to add, {changed} to change, {removed} to remove"
    return f"Plan: {counts} ({plan.unchanged} unchanged){blocked}{drifted}{refused}."


def totals(plan: Plan) -> tuple[int, int, int]:
    """(to add, to change, to remove); what is replaced is removed and added."""
    marks = [mark(step.operation) for step in plan.steps]
    both = marks.count("-/+")
    return marks.count("+") + both, marks.count("~"), marks.count("-") + both


def step_text(step: Step) -> str:
    """`+ #3 slave: join the swarm as worker at 10.0.0.3 (not found)`"""
    subject, verb = describe(step.operation)
    cause = f" ({step.cause})" if step.cause else ""
    effect = f": {step.effect}" if step.effect else ""
    return printable(f"{mark(step.operation)} #{step.number} {subject}: {verb}{cause}{effect}")


def step_fields(step: Step) -> list[str]:
    """A line a field. Which of them drifted is said where others did not."""
    mixed = len({field.drifted for field in step.fields}) > 1
    return [f"{field_text(field)}{' (drifted)' if mixed and field.drifted else ''}" for field in step.fields]


def drifted_text(left: Drifted) -> str:
    """`= s_web: drifted, left as it is (drift: report)`"""
    return f"= {left.name}: drifted, left as it is (drift: report)"


def mark(operation: Operation) -> Mark:
    """+ makes something, ~ changes something, - removes it, -/+ puts another in its place, . waits."""
    match operation:
        case AwaitConsul() | AwaitServices() | RollBackStack():
            return "."
        case RemoveService() | RemoveObject() | RetireContainer() | RemoveImage() | ComposeDown():
            return "-"
        case ReplaceService() | ReplaceNetwork():
            return "-/+"
        case WriteDaemonJson() | UpdateMember() | UpdateService() | ComposeUp(first=False):
            return "~"
        case (
            InstallEngine()
            | InitSwarm()
            | JoinSwarm()
            | BuildImage()
            | BuildStackImage()
            | PushImage()
            | SendImage()
            | RunContainer()
            | RegisterNode()
            | CreateObject()
            | CreateService()
            | ComposeUp()
        ):
            return "+"
        case _:
            return care_mark(operation)


def describe(operation: Operation) -> tuple[str, str]:  # noqa: C901, PLR0911, PLR0912 - one sentence an operation
    """(subject, what is done to it), in words that also read well as progress."""
    match operation:
        case InstallEngine(node, "distro"):
            return node, "install Docker from the distribution's packages"
        case InstallEngine(node, _):
            return node, "install Docker from Docker's own repository"
        case WriteDaemonJson(node, _, effect):
            after = {
                "none": "before the engine's first start",
                "reload": "the engine reloads it",
                "restart": "the engine restarts",
            }
            return node, f"write daemon.json, {after[effect]}"
        case InitSwarm(node, advertise):
            return node, f"start the swarm at {advertise}"
        case JoinSwarm(node, role, advertise, via):
            return node, f"join the swarm of {via} as {role} at {advertise}"
        case UpdateMember(node):
            return node, "set role, availability and labels in the swarm"
        case BuildImage(node, image, base):
            return node, f"build {image} on {base}"
        case RunContainer(node, name, image, leaves=str(leaves)) if leaves:
            return node, f"run {name} from {image}, and take what it registered out of the Consul at {leaves}"
        case RunContainer(node, name, image):
            return node, f"run {name} from {image}"
        case AwaitConsul(node, _, 1):
            return node, "wait until Consul has a leader"
        case AwaitConsul(node, _, servers):
            return node, f"wait until Consul has a leader and {servers} healthy servers"
        case RegisterNode(node, via, address):
            return node, f"register at {address} in Consul on {via}"
        case BuildStackImage(stack, node, build):
            return stack, f"build {build.image} on {node}"
        case PushImage(stack, node, image):
            return stack, f"push {image} from {node}"
        case SendImage(stack, source, node, image):
            return stack, f"send {image} from {source} to {node}"
        case RetireContainer(node, name, "Consul"):
            return node, f"leave Consul and remove {name}; its volume stays"
        case RetireContainer(node, name, leaves=str(leaves)) if leaves:
            return node, f"remove {name}, and take what it registered out of the Consul at {leaves}"
        case RetireContainer(node, name):
            return node, f"remove {name}"
        case RemoveImage(node, image):
            return node, f"remove image {image}"
        case CreateObject(kind, _, name):
            return name, f"create {kind}"
        case ComposeUp(stack, machine, project, timeout):
            counts = ", ".join(f"{service.name} {service.count}" for service in project.services)
            return stack, f"docker compose up on {machine}: {counts}; wait up to {timeout:.0f} s"
        case ComposeDown(stack, machine):
            return stack, f"remove the compose project from {machine}; its volumes stay"
        case CreateService(_, name, body):
            return name, f"create service, {_count(body)}"
        case UpdateService(_, name, body):
            return name, f"update service, {_count(body)}"
        case ReplaceService(_, name, body, seen):
            return name, f"replace service, {_tasks(seen)} stop before {_count(body)} start"
        case RemoveService(_, name, seen, ""):
            return name, f"remove service and its {_tasks(seen)}"
        case RemoveService(_, name, seen, until):
            return name, f"remove service and its {_tasks(seen)} until {until} is replaced"
        case ReplaceNetwork(_, name):
            return name, "replace network"
        case RemoveObject(kind, _, name):
            return name, f"remove {kind}"
        case AwaitServices(stack, services, timeout, until):
            ends = {"running": "", "healthy": " to be healthy", "completed": " to complete"}
            return stack, f"wait up to {timeout:.0f} s for {', '.join(services)}{ends[until]}"
        case RollBackStack(stack):
            return stack, "where one of them fails, the whole stack goes back"
        case _:
            return describe_care(operation)


def on_failure(operation: Operation) -> list[str]:
    """What a wait does about services that fail, a line each."""
    match operation:
        case AwaitServices(back=back):
            return [f"on failure: {one.service} back to {back_text(one)}" for one in back]
        case RollBackStack(back=back, created=created):
            return [
                *(f"{one.service} to {back_text(one)}" for one in back),
                *(f"{name} is removed" for name in created),
            ]
        case _:
            return []


def back_text(back: Back) -> str:
    """`image app:1.4, 3 replicas`"""
    return f"{image_text(back)}, {_count(back.seen.spec)}"


def image_text(back: Back) -> str:
    """`image app:1.4`"""
    return "image " + ServiceSpec(back.seen.spec).image.partition("@")[0]


def _tasks(seen: LiveService) -> str:
    return f"{plural(seen.wanted, 'task')}"


def _count(body: Body) -> str:
    spec = ServiceSpec(body)
    if spec.job:
        return "a job"
    return "one on every machine" if spec.count is None else f"{plural(spec.count, 'replica')}"
