"""Stacks that compile one by one and cannot run together: what is said, and at which line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deployer.compose import compile_stacks, problems_together
from deployer.errors import InvalidFilesError, refuse_errors
from deployer.model.cluster import Cluster, Policy
from deployer.model.desired import Desired
from tests.compose.conftest import stack_of
from tests.literals.desired import make_node

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.compose.tools import Tools
    from deployer.model.problem import Problem

NODES = (
    make_node("m", "manager", labels={"zone": "a"}),
    make_node("w1", labels={"zone": "a", "disk": "ssd"}),
    make_node("w2", labels={"zone": "b"}),
    make_node("out", "none"),
    make_node("old", availability="drain", labels={"zone": "c"}),
)


@pytest.fixture
def told(found: Tools, tmp_path: Path) -> Any:
    def tell(policy: Policy = Policy(), **stacks: str) -> list[Problem]:  # noqa: B008 - frozen
        sources = tuple(stack_of(name, compose=text) for name, text in stacks.items())
        cluster = Cluster("test", NODES, None, "", policy=policy)
        objects = compile_stacks(sources, cache=tmp_path).objects
        return problems_together(Desired("c0", cluster, sources), objects)

    return tell


def web(*lines: str, deploy: str = "") -> str:
    text = "services:\n  web:\n    image: app\n" + "".join(f"    {line}\n" for line in lines)
    return text + (f"    deploy: {deploy}\n" if deploy else "")


def places(problems: list[Problem]) -> list[tuple[str, int, int]]:
    return [(problem.severity, problem.line, problem.column) for problem in problems]


HOST = "ports: [{target: 80, published: '80', mode: host}]"


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        (web("ports: ['80:80']"), web("ports: ['80:8080']"), 1),
        (web("ports: ['80:80']"), web("ports: ['80:80/udp']"), 0),
        (web("ports: ['80:80']"), web("ports: ['81:80']"), 0),
        (web("ports: ['80:80']"), web(HOST), 1),
        (web(HOST), web(HOST), 0),
        (web(HOST, deploy="{replicas: 2}"), web(HOST, deploy="{replicas: 2}"), 1),
        (web(HOST, deploy="{mode: global}"), web(HOST), 1),
        (
            web(HOST, deploy="{placement: {constraints: [node.labels.disk==ssd]}}"),
            web(HOST, deploy="{placement: {constraints: [node.labels.zone==a]}}"),
            0,
        ),
        (
            web(HOST, deploy="{placement: {constraints: [node.labels.disk==ssd]}}"),
            web(
                HOST,
                deploy="{placement: {constraints: [node.labels.disk!=hdd, node.labels.zone==a, node.role==worker]}}",
            ),
            1,
        ),
        (web(HOST, deploy="{mode: global}"), web(HOST, deploy="{replicas: 0}"), 0),
    ],
)
def test_a_port_is_for_one_service(told: Any, one: str, other: str, count: int) -> None:
    problems = told(a=one, b=other)
    assert places(problems) == [("error", 4, 13)] * count
    assert all(problem.path == "stacks/b/compose.yaml" and "80/tcp" in problem.message for problem in problems)
    assert all("a_web" in problem.message for problem in problems)


def test_a_port_of_one_machine_is_for_one_task(told: Any) -> None:
    (problem,) = told(a=web(HOST, deploy="{replicas: 4}"))
    assert problem.message == "port 80/tcp of a machine is for one task: the machines are too few"


def test_a_service_does_not_publish_a_port_twice(told: Any) -> None:
    (problem,) = told(a=web("ports:", "  - 80:80", "  - 80:81"))
    assert "this service already" in problem.message


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ("[node.labels.zone==c]", "no machine meets 'node.labels.zone==c'"),
        ("[node.labels.zone == A, node.role==worker]", ""),
        ("[node.labels.zone!=a, node.labels.zone!=b]", "no machine meets all of these constraints"),
        ("[node.labels.none!=x]", ""),
        ("[node.role==manager, node.labels.disk==ssd]", "no machine meets all of these constraints"),
        ("[node.role!=manager, node.role!=worker]", "no machine meets all of these constraints"),
        ("[node.hostname==w1]", ""),
        ("[node.hostname==w9]", "no machine of cluster/nodes is called 'w9'"),
        ("[node.platform.arch==riscv64, engine.labels.x==y]", ""),
        ("[node.role=manager]", "'node.role=manager' is no constraint"),
        ("[node.rolle==manager]", "Swarm has no 'node.rolle' to place by"),
    ],
)
def test_constraints_are_met_by_a_machine(told: Any, constraints: str, message: str) -> None:
    problems = told(a=web(deploy=f"{{placement: {{constraints: {constraints}}}}}"))
    assert [problem.message.startswith(message) for problem in problems] == ([True] if message else [])
    assert all((problem.line, problem.column) == (4, 40) for problem in problems)


@pytest.mark.parametrize(
    ("deploy", "count"),
    [
        ("{replicas: 6, placement: {max_replicas_per_node: 2}}", 0),
        ("{replicas: 7, placement: {max_replicas_per_node: 2}}", 1),
        ("{replicas: 2, placement: {max_replicas_per_node: 1, constraints: [node.role==manager]}}", 1),
    ],
)
def test_replicas_have_room(told: Any, deploy: str, count: int) -> None:
    assert [problem.severity for problem in told(a=web(deploy=deploy))] == ["error"] * count


def test_an_external_volume_is_not_used_where_it_cannot_be(told: Any) -> None:
    volume = "volumes: {data: {external: true, name: shared}}\n"
    here = web("volumes: ['data:/d']", deploy="{placement: {constraints: [node.labels.zone==a]}}") + volume
    there = web("volumes: ['data:/d']", deploy="{placement: {constraints: [node.labels.zone==b]}}") + volume
    (problem,) = told(a=here, b=there)
    assert (problem.severity, problem.path, problem.line) == ("warning", "stacks/b/compose.yaml", 4)
    assert "a_web" in problem.message
    assert told(a=here, b=here) == []


@pytest.mark.parametrize(
    "line",
    [
        "volumes: [/var/run/docker.sock:/var/run/docker.sock:ro]",
        "volumes: [/:/host:ro]",
        "volumes: [{type: bind, source: /etc, target: /x}]",
        "cap_add: [SYS_ADMIN]",
    ],
)
@pytest.mark.parametrize(("policy", "severity"), [("warn", ["warning"]), ("deny", ["error"]), ("allow", [])])
def test_who_could_take_over_the_machine_is_named(told: Any, line: str, policy: Any, severity: list[str]) -> None:
    problems = told(Policy(privileged=policy), a=web(line))
    assert [problem.severity for problem in problems] == severity
    assert all(problem.line == 4 for problem in problems)


def test_ordinary_mounts_are_no_privilege(told: Any) -> None:
    assert told(a=web("volumes: [/srv/data:/data, /etc/localtime:/etc/localtime:ro, v:/v]") + "volumes: {v: }") == []


def test_strict_makes_errors_of_warnings(told: Any) -> None:
    problems = told(a=web("cap_add: [ALL]"))
    refuse_errors(problems, strict=False)
    with pytest.raises(InvalidFilesError) as caught:
        refuse_errors(problems, strict=True)
    assert [problem.severity for problem in caught.value.problems] == ["error"]
    refuse_errors([], strict=True)
