from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.plan.consul import RegisterNode
from deployer.plan.machines import InstallEngine
from deployer.plan.outcome import Began, Done, Ended, Failed, Progress, Skipped
from deployer.plan.steps import Plan, Step
from deployer.report.tree import ASCII, Line, Tree

if TYPE_CHECKING:
    from collections.abc import Sequence


def drawn(lines: Sequence[Line]) -> list[str]:
    return [f"{line.text} [{line.time}]" if line.time else line.text for line in lines]


@pytest.fixture
def tree(plan: Plan) -> Tree:
    """At 42 s: the first machine's join is at work, a service failed, its wait is skipped."""
    tree = Tree()
    tree.show(plan)
    install, join, create, update, wait = plan.steps
    tree.listen(Began(install), 1.0)
    tree.listen(Progress(install, "Unpacking\n"), 2.0)
    tree.listen(Ended(install, Done(31.24)), 32.0)
    tree.listen(Began(join), 40.0)
    tree.listen(Progress(join, "asking\nfor the token \x1b[2J\n\n"), 41.0)
    tree.listen(Ended(create, Done(0.02, "already so")), 40.0)
    tree.listen(Began(update), 40.0)
    tree.listen(Ended(update, Failed(0.5, "image not found")), 41.0)
    tree.listen(Ended(wait, Skipped(4)), 41.0)
    return tree


def test_steps_stand_under_their_machine_or_stack(tree: Tree) -> None:
    assert drawn(tree.lines(42.0)) == [
        "slave",
        "  ✓ install Docker from the distribution's packages [31.2 s]",
        "  ⠦ join the swarm of master as worker at 10.0.0.3 [2.0 s]",
        "      for the token \\x1b[2J",
        "web (stack)",
        "  ✓ web_api: create service, 2 replicas (already so) [0.0 s]",
        "  ✗ web_cache: update service, 1 replica [0.5 s]",
        "      image not found",
        "  - wait up to 180 s for web_api, web_cache: #4 did not succeed",
    ]


def test_before_the_first_event_everything_is_to_come(plan: Plan) -> None:
    tree = Tree()
    tree.show(plan)
    assert drawn(tree.lines(0.0, marks=ASCII))[:3] == [
        "slave",
        "  . install Docker from the distribution's packages",
        "  . join the swarm of master as worker at 10.0.0.3",
    ]


def many() -> Tree:
    """Thirty machines with two steps each: ten done, ten whose second step is at work, ten to come."""
    tree = Tree()
    steps = []
    for number in range(30):
        name = f"m{number:02}"
        steps.append(Step(2 * number + 1, InstallEngine(name, "distro"), None))
        steps.append(Step(2 * number + 2, RegisterNode(name, "consul", "10.0.0.1", {}), None))
    tree.show(Plan("c", "worktree", tuple(steps)))
    for step in steps[:40]:
        tree.listen(Began(step), 0.0)
        if step.number <= 20 or step.number % 2:
            tree.listen(Ended(step, Done(1.5)), 1.5)
    return tree


def test_what_is_too_tall_collapses_the_finished_first() -> None:
    everything = many().lines(2.0)
    assert len(everything) == 90
    done_collapsed = drawn(many().lines(2.0, height=70, marks=ASCII))
    assert len(done_collapsed) == 70
    assert done_collapsed[0] == "+ m00: 2 done [3.0 s]"
    counted = drawn(many().lines(2.0, height=69, marks=ASCII))
    assert len(counted) == 60
    assert counted[10:13] == ["m10", "  + 1 done", "  | register at 10.0.0.1 in Consul on consul [2.0 s]"]
    assert counted[-2:] == ["m29", "  . 2 to come"]
    smallest = drawn(many().lines(2.0, height=40, marks=ASCII))
    assert len(smallest) == 32
    assert smallest[:2] == ["+ 20 done", ". 20 to come"]


def test_it_never_grows_taller_than_the_terminal() -> None:
    for height in range(1, 95):
        assert len(many().lines(2.0, height=height)) <= height
    assert drawn(many().lines(2.0, height=10))[-1] == "  ... 23 more lines"
