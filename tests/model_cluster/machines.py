"""Steps on one machine: its engine and that one's files, images and containers."""

from dataclasses import replace

from deployer.model.observed import Observed, TlsListener, Unreachable
from deployer.model.project import Project, ProjectContainer
from deployer.plan.machines import InstallEngine, RetireContainer, RunContainer, WriteDaemonJson
from deployer.plan.maintenance import PurgeEngine, RemoveOwn, RestartMachine
from deployer.plan.projects import ComposeDown, ComposeUp
from deployer.plan.registrator import BuildImage, RemoveImage
from deployer.plan.tls import ListenTls, StopTls
from tests.literals.consul import start_container
from tests.literals.machines import make_engine
from tests.model_cluster.step import change_engine, change_machine, get_engine, get_machine, run_step

STOCK = "/usr/sbin/dockerd -H fd://"
"""How systemd starts an engine that listens for nobody."""
LEADERLESS = Unreachable("No cluster leader")
"""What Consul's first server says until the plan waits for it."""


@run_step.register
def install_engine(operation: InstallEngine, seen: Observed, manager: str) -> Observed:
    assert get_machine(seen, operation.node).engine is None
    return change_machine(seen, operation.node, engine=make_engine())


@run_step.register
def purge_engine(operation: PurgeEngine, seen: Observed, manager: str) -> Observed:
    assert get_engine(seen, operation.node).membership.state == "inactive", "its engine is still in the swarm"
    return change_machine(seen, operation.node, engine=None)


@run_step.register
def restart_machine(operation: RestartMachine, seen: Observed, manager: str) -> Observed:
    get_engine(seen, operation.node)
    return seen


@run_step.register
def write_daemon_json(operation: WriteDaemonJson, seen: Observed, manager: str) -> Observed:
    assert (operation.effect == "none") == (get_machine(seen, operation.node).engine is None)
    return change_machine(seen, operation.node, daemon_json=operation.text)


@run_step.register
def listen_tls(operation: ListenTls, seen: Observed, manager: str) -> Observed:
    get_engine(seen, operation.node)
    listener = TlsListener(f"{STOCK} {operation.arguments}", STOCK, operation.names)
    return change_machine(seen, operation.node, tls=listener)


@run_step.register
def stop_tls(operation: StopTls, seen: Observed, manager: str) -> Observed:
    assert get_machine(seen, operation.node).tls
    return change_machine(seen, operation.node, tls=None)


@run_step.register
def build_image(operation: BuildImage, seen: Observed, manager: str) -> Observed:
    images = get_engine(seen, operation.node).images
    assert operation.image not in images, "it is there already"
    return change_engine(seen, operation.node, images=(*images, operation.image))


@run_step.register
def remove_image(operation: RemoveImage, seen: Observed, manager: str) -> Observed:
    engine = get_engine(seen, operation.node)
    assert operation.image in engine.images
    assert operation.image not in {one.image for one in engine.containers}, "a container is made from it"
    left = tuple(image for image in engine.images if image != operation.image)
    return change_engine(seen, operation.node, images=left)


@run_step.register
def run_container(operation: RunContainer, seen: Observed, manager: str) -> Observed:
    engine = get_engine(seen, operation.node)
    ours = operation.image.startswith("deployer-registrator:")
    assert not ours or operation.image in engine.images, "run before it is built"
    others = tuple(one for one in engine.containers if one.name != operation.name)
    started = replace(start_container(operation.name, operation.body, engine.version), image=operation.image)
    running = change_engine(seen, operation.node, containers=(*others, started))
    if "-server" in operation.body.get("Cmd", ()) and seen.catalogue is None:
        return replace(running, catalogue=LEADERLESS)
    return running


@run_step.register
def retire_container(operation: RetireContainer, seen: Observed, manager: str) -> Observed:
    return _remove_containers(seen, operation.node, operation.name)


@run_step.register
def remove_own(operation: RemoveOwn, seen: Observed, manager: str) -> Observed:
    return _remove_containers(seen, operation.node, *operation.containers)


def _remove_containers(seen: Observed, node: str, *names: str) -> Observed:
    present = get_engine(seen, node).containers
    assert set(names) <= {one.name for one in present}
    return change_engine(seen, node, containers=tuple(one for one in present if one.name not in names))


@run_step.register
def compose_up(operation: ComposeUp, seen: Observed, manager: str) -> Observed:
    engine = get_engine(seen, operation.machine)
    others = tuple(one for one in engine.projects if one.project != operation.stack)
    assert operation.first == (len(others) == len(engine.projects))
    return change_engine(seen, operation.machine, projects=(*others, *_start_project(operation.project)))


def _start_project(project: Project) -> tuple[ProjectContainer, ...]:
    return tuple(
        ProjectContainer(
            project.stack,
            service.name,
            f"{project.stack}-{service.name}-{number}",
            service.hash,
            service.image,
            "running",
            healthy=True,
        )
        for service in project.services
        for number in range(1, service.count + 1)
    )


@run_step.register
def compose_down(operation: ComposeDown, seen: Observed, manager: str) -> Observed:
    projects = get_engine(seen, operation.machine).projects
    left = tuple(one for one in projects if one.project != operation.stack)
    assert len(left) < len(projects), "there is nothing of it"
    return change_engine(seen, operation.machine, projects=left)
