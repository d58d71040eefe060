"""The model of a cluster: it knows what the executor would do, and refuses what a real cluster refuses."""

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.model.command import Completed
from deployer.plan.consul import RegisterNode
from deployer.plan.images import BuildStackImage, PushImage, SendImage
from deployer.plan.keys import RotateCa, RotateTokens, SetAutolock, UnlockManager
from deployer.plan.machines import InstallEngine
from deployer.plan.maintenance import PowerOff, UpgradeEngine
from deployer.plan.operations import Operation
from deployer.plan.stacks import Back, CreateService, RemoveObject, RollBackStack, UpdateService
from deployer.plan.steps import Plan, Step
from deployer.plan.swarm import Demote, ForceNewCluster, InitSwarm, LeaveSwarm, RemoveMember
from deployer.plan.tls import FinishAuthority, NewAuthority
from tests.execute.plans import play
from tests.fakes import FakeConnection
from tests.literals.live import deploy_object, deploy_service, store_ids
from tests.literals.machines import DOWN
from tests.literals.stacks import make_network, make_service, with_container, with_networks
from tests.literals.swarm import make_standing
from tests.model_cluster import foresee_outcomes, run_plan, run_step

NOT_MODELLED = {
    BuildStackImage, PushImage, SendImage, UpgradeEngine, PowerOff, RotateTokens, RotateCa, ForceNewCluster, SetAutolock,
    UnlockManager, NewAuthority, FinishAuthority,
}  # fmt: skip


def test_every_operation_is_modelled_or_named_as_one_that_is_not() -> None:
    operations = set(get_args(Operation))
    missing = {kind.__name__ for kind in operations - NOT_MODELLED - set(run_step.registry)}
    assert not missing, f"say in tests/model_cluster what these do, or name them in NOT_MODELLED: {missing}"
    assert set(run_step.registry) - {object} == operations - NOT_MODELLED
    with pytest.raises(AssertionError, match="does not know what that does: PowerOff"):
        run_step(PowerOff("slave"), make_standing(), "master")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Installations on a machine each, which need, follow and rescue one another in any way."""
    steps: list[Step] = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        earlier = st.sets(st.integers(1, number - 1), max_size=2) if number > 1 else st.just(set[int]())
        needs, follows, any_of, rescues = (tuple(sorted(draw(earlier))) for _ in range(4))
        operation = InstallEngine(f"m{number}", "distro")
        kind = draw(st.sampled_from(["plain", "plain", "any of", "rescue"]))
        step = Step(number, operation, None, needs=needs, follows=(*follows, *any_of, *rescues))
        steps.append(
            replace(step, any_of=any_of if kind == "any of" else (), rescues=rescues if kind == "rescue" else ())
        )
    return Plan("test", "c" * 40, tuple(steps))


@settings(max_examples=60)
@given(plans(), st.sets(st.integers(1, 6)))
def test_it_foresees_what_the_executor_does(plan: Plan, failing: set[int]) -> None:
    def answer(number: int) -> FakeConnection:
        ends = {True: Completed(1, "", "E: no space left\n"), False: Completed(0, "Docker 26.1 runs\n", "")}
        debian = Completed(0, "debian \n", "")
        return FakeConnection(
            outputs={"sh": lambda command: debian if command.argv[1] == "-c" else ends[number in failing]}
        )

    report = play(plan, {f"m{step.number}": answer(step.number) for step in plan.steps})
    foreseen = foresee_outcomes(plan, failing)
    assert {number: type(outcome) for number, outcome in report.outcomes.items()} == {
        number: type(outcome) for number, outcome in foreseen.items()
    }


WEB = store_ids(deploy_service(with_networks(make_service("s_web", 2), "s_n")))
NETWORK = deploy_object("network", make_network("s_n"))
STANDING = make_standing(("master",), ("slave",), services=(WEB,), objects=(NETWORK,), machines={"away": DOWN})


@pytest.mark.parametrize(
    ("operation", "refusal"),
    [
        (InstallEngine("away", "distro"), "a step on away, which is unreachable"),
        (InitSwarm("slave", "10.0.0.2"), "a second swarm"),
        (LeaveSwarm("master"), "a manager that leaves"),
        (Demote("master", "master", "n-master"), "the last manager is demoted"),
        (RemoveMember("slave", "master", "n-slave"), "nor of one that is not down"),
        (RemoveMember("slave", "slave", "n-slave"), "slave is asked, and is no manager"),
        (RegisterNode("slave", "master", "10.0.0.2", {}), "registered before Consul answers"),
        (RemoveObject("network", "s", "s_n", "id-s_n"), "network s_n is removed while it is used"),
        (UpdateService("s", "s_web", WEB.spec, replace(WEB, version=7)), "it is not as the plan saw it"),
        (UpdateService("s", "s_web", make_service("s_web", Mode={"Global": {}}), WEB), "refuse to change the mode"),
        (CreateService("s", "s_a", with_container(make_service("s_a"), Configs=[{"ConfigName": "s_c"}])), "not there"),
    ],
)  # fmt: skip
def test_it_refuses_what_a_real_cluster_refuses(operation: Operation, refusal: str) -> None:
    with pytest.raises(AssertionError, match=refusal):
        run_step(operation, STANDING, "master")


def test_a_step_that_fails_changes_nothing_and_what_it_was_to_rescue_goes_back() -> None:
    body = with_networks(make_service("s_web", 5), "s_n")
    plan = Plan("sandbox", "c" * 40, (
        Step(1, UpdateService("s", "s_web", body, WEB), None),
        Step(2, CreateService("s", "s_new", make_service("s_new")), None),
        Step(3, InstallEngine("slave", "distro"), None),
        Step(4, RollBackStack("s", 60, (Back("s_web", WEB, ""),), ("s_new",)), None, rescues=(3,)),
    ), manager="master")  # fmt: skip
    after = run_plan(STANDING, plan, failing={3})
    assert after.machines == STANDING.machines
    assert after.swarm is not None
    (web,) = after.swarm.services
    assert (web.name, web.spec, web.version) == ("s_web", WEB.spec, WEB.version + 2)
    cut = run_plan(STANDING, plan, last=1)
    assert cut.swarm is not None
    assert [(one.name, one.running, one.wanted) for one in cut.swarm.services] == [("s_web", 0, 5)]
