"""Which machines a command is about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.errors import InvalidFilesError, UsageError
from deployer.machines.inventory import choose, one

if TYPE_CHECKING:
    from deployer.workflow.validate import Source
    from tests.source.conftest import Repo


def machines(*names: str) -> dict[str, str]:
    return {f"cluster/nodes/{name}.yaml": f"address: {name}.example.org\nswarm: none\n" for name in names}


def test_machines_come_in_the_order_of_the_names_each_once(repository: Repo, source: Source) -> None:
    repository.commit(machines("a", "b", "c"))
    assert [node.name for node in choose(source, ["c", "a", "c"])[1]] == ["c", "a"]


@pytest.mark.parametrize("names", [("a", "default"), ("default",)])
def test_without_a_name_it_is_the_default_machine(repository: Repo, source: Source, names: tuple[str, ...]) -> None:
    repository.commit(machines(*names))
    assert one(source, None)[1].name == "default"


def test_without_a_name_it_is_the_only_one(repository: Repo, source: Source) -> None:
    repository.commit(machines("a"))
    assert one(source, None)[1].name == "a"


@pytest.mark.parametrize(
    ("names", "message", "advice"),
    [
        ((), 'no machine is named, and none is called "default"', "name one of master, slave"),
        (("mastr",), "there is no machine 'mastr'", "did you mean 'master'?"),
        (("x",), "there is no machine 'x'", "`deployer machine ls` lists them, `deployer machine add` adds one"),
        (("new",), "there is no machine 'new' in HEAD", "its file is not committed: commit it, or add --worktree"),
    ],
)
def test_names_that_are_no_machines(
    repository: Repo, source: Source, names: tuple[str, ...], message: str, advice: str
) -> None:
    repository.commit(machines("master", "slave"))
    repository.write(machines("new"))
    with pytest.raises(UsageError) as caught:
        choose(source, names)
    assert (caught.value.message, caught.value.help) == (message, advice)
    if names == ("new",):
        assert one(replace(source, worktree=True), "new")[1].address == "new.example.org"


def test_a_broken_stack_is_no_reason_not_to_reach_a_machine(repository: Repo, source: Source) -> None:
    repository.commit({**machines("a"), "stacks/web/compose.yaml": "services: ["})
    assert one(source, "a")[1].name == "a"


def test_a_broken_machine_file_is_named_with_its_place(repository: Repo, source: Source) -> None:
    repository.commit({**machines("a"), "cluster/nodes/b.yaml": "adress: b\n"})
    with pytest.raises(InvalidFilesError) as caught:
        one(source, "a")
    assert {(problem.path, problem.line) for problem in caught.value.problems} == {("cluster/nodes/b.yaml", 1)}
