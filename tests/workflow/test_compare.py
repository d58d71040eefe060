"""What the comparison wires together: policy and history reach the plan, and a run that is restricted does no more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.entry import wait_for
from deployer.model.cluster import Policy
from deployer.model.consent import NOTHING, Consent
from deployer.model.observed import ImageFound
from deployer.workflow import compare as comparing
from deployer.workflow.validate import Source, Validated
from tests.fakes import link
from tests.literals.desired import ALONE, make_desired, make_source
from tests.literals.live import deploy_service
from tests.literals.stacks import make_service, make_stack
from tests.literals.swarm import make_standing
from tests.source.conftest import Repo, _own_git

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.model.desired import Desired
    from deployer.model.stack import StackObjects
    from deployer.plan.steps import Plan

__all__ = ["_own_git"]
DIGEST = f"sha256:{'1' * 64}"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    async def find(wanted: Any, *_: Any) -> dict[str, ImageFound]:
        return dict.fromkeys(wanted, ImageFound(DIGEST))

    monkeypatch.setattr(comparing, "observe_images", find)
    made = Repo(tmp_path / "repo")
    made.path.mkdir()
    made.git("init", "-q", "-b", "main")
    return made


def deployed(repo: Repo) -> str:
    """A commit that is deployed."""
    commit = repo.commit({"cluster/cluster.yaml": "name: sandbox\n"})
    repo.git("update-ref", "refs/deployer/sandbox/deployed", commit)
    return commit


def compare(
    repo: Repo, desired: Desired, *stacks: StackObjects, live: tuple[str, ...] = (), only: tuple[str, ...] = (),
    consent: Consent | None = NOTHING,
) -> Plan:  # fmt: skip
    """The plan of a run that finds these services live."""
    seen = make_standing(services=[deploy_service(make_service(name, 1)) for name in live])
    validated = Validated(desired, stacks, (), Source(repo.path, desired.commit, only=only))

    async def work() -> Plan:
        async with link({}) as connections:
            return (await comparing.compare(validated, seen, connections, lambda _: None, consent)).plan

    return wait_for(work())


def test_guards_refuse_what_the_consent_does_not_name(repo: Repo) -> None:
    nothing = make_desired(ALONE, commit=deployed(repo))
    live = ("shop_web", "blog_web")
    assert [one.subject for one in compare(repo, nothing, live=live).refused] == ["removals"]
    assert compare(repo, nothing, live=live, consent=None).refused == (), "a status asks no guard"
    assert compare(repo, nothing, live=live, consent=Consent(frozenset({"shop", "blog"}))).refused == ()


def test_the_policy_of_the_cluster_counts(repo: Repo) -> None:
    commit = deployed(repo)
    kept = tuple(f"k{number}" for number in range(10))
    stacks = [make_stack(name, make_service(f"{name}_web", 1)) for name in kept]
    live = ("shop_web", *(f"{name}_web" for name in kept))

    def refused(most: int) -> list[str]:
        cluster = replace(ALONE, policy=Policy(max_removals=most))
        desired = make_desired(cluster, *map(make_source, kept), commit=commit)
        return [one.reason for one in compare(repo, desired, *stacks, live=live).refused]

    assert refused(1) == []
    assert refused(0) == ["1 would be removed at once, and policy.max_removals is 0: stack shop"]


def test_a_commit_that_is_older_than_what_is_deployed_is_refused(repo: Repo) -> None:
    older, newer = repo.commit({"cluster/cluster.yaml": "name: sandbox\n"}), repo.commit({"README": "more\n"})
    repo.git("update-ref", "refs/deployer/sandbox/deployed", newer)
    stack = make_stack("web", make_service("web_web", 2))

    def refused(commit: str, consent: Consent = NOTHING) -> list[str]:
        desired = make_desired(ALONE, make_source("web"), commit=commit)
        return [one.subject for one in compare(repo, desired, stack, consent=consent).refused]

    assert refused(older) == ["history"]
    assert refused(older, Consent(replaces=newer[:10])) == []
    assert refused(newer) == []


def test_a_run_of_one_stack_leaves_the_others_alone(repo: Repo) -> None:
    desired = make_desired(
        ALONE, make_source("web"), make_source("db"), commit=repo.commit({"cluster/cluster.yaml": "name: sandbox\n"})
    )
    stacks = (make_stack("web", make_service("web_web", 1)), make_stack("db", make_service("db_db", 1)))
    whole = {step.operation.stack for step in compare(repo, desired, *stacks).steps}
    assert whole >= {"web", "db"}
    some = compare(repo, desired, *stacks, live=("old_web",), only=("web",))
    assert {step.operation.stack for step in some.steps if step.operation.stack} == {"web"}
    assert some.only == ("web",)
