"""Plans of maintenance that are made where they are used: one machine's provision, a recovery; and a file's one key."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deployer.errors import DeployerError
from deployer.maintenance.provision import provision_plan
from deployer.maintenance.roles import set_key
from deployer.maintenance.swarm import leftovers_plan, read_state, recovery_plan
from deployer.model.observed import Observed
from deployer.plan.text import plan_text
from deployer.report.machines import swarm_document
from tests.decisions import list_kinds
from tests.literals.desired import make_cluster, make_desired, make_node
from tests.literals.live import deploy_service
from tests.literals.machines import make_machine
from tests.literals.stacks import make_service
from tests.literals.swarm import make_observed, make_standing
from tests.report.schemas import check

NODES = (make_node("m1", "manager"), make_node("m2", "manager"), make_node("w1"), make_node("w2"))
WANTED = make_desired(make_cluster(*NODES))


def seen(*workers: str) -> Observed:
    """Two managers, and these workers, as members; the others have nothing."""
    bare = {name: make_machine() for name in ("w1", "w2") if name not in workers}
    gone = deploy_service(make_service("gone_app", 2))
    return make_standing(("m1", "m2"), workers, services=(gone,), machines=bare)


class TestProvision:
    def test_the_named_machine_alone(self) -> None:
        text = plan_text(provision_plan(WANTED, seen(), ["w1"]))
        assert "w1: install Docker" in text
        assert "w1: join the swarm of m1" in text
        assert "w2" not in text

    def test_services_are_none_of_its_business(self) -> None:
        """No stack is compiled for it: what no stack has must not look as if git had dropped it."""
        assert "gone_app" not in plan_text(provision_plan(WANTED, seen(), ["w1", "w2"]))

    def test_one_that_is_in_order(self) -> None:
        plan = provision_plan(WANTED, seen("w1"), ["w1"])
        assert (plan.steps, plan.blocked, plan.purpose) == ((), (), "w1 is in order")

    def test_a_worker_before_there_is_a_swarm(self) -> None:
        bare = make_observed({name: make_machine() for name in ("m1", "m2", "w1", "w2")})
        plan = provision_plan(WANTED, bare, ["w1"])
        assert list_kinds(plan) == ["InstallEngine"]
        assert plan.blocked[0].help == "deployer apply, or provision m1 first"


class TestRecovery:
    def lost(self) -> Observed:
        return replace(seen("w1", "w2"), swarm=None)

    def test_from_a_manager_that_takes_no_orders(self) -> None:
        assert list_kinds(recovery_plan(WANTED, self.lost(), "m1")) == ["ForceNewCluster"]

    def test_not_while_the_swarm_takes_orders(self) -> None:
        assert "there is nothing to recover" in recovery_plan(WANTED, seen(), "m1").blocked[0].reason

    def test_not_from_a_worker(self) -> None:
        assert "it is no manager" in recovery_plan(WANTED, self.lost(), "w1").blocked[0].reason

    def test_the_other_managers_entries_go_and_the_workers_stay(self) -> None:
        plan = leftovers_plan(WANTED, seen("w1"), "m1")
        assert [getattr(step.operation, "member", "") for step in plan.steps] == ["n-m2"]


@pytest.mark.parametrize(
    ("text", "key", "value", "new"),
    [
        ("address: a\nswarm: worker     # why\n", "swarm", "manager", "address: a\nswarm: manager     # why\n"),
        (
            "address: a\n# drained for the fan\navailability: drain\n",
            "availability",
            "active",
            "address: a\n# drained for the fan\navailability: active\n",
        ),
        ("{address: a, swarm: worker}\n", "swarm", "manager", "{address: a, swarm: manager}\n"),
    ],
)
def test_one_key_is_exchanged_and_the_rest_stays(text: str, key: Any, value: str, new: str) -> None:
    assert set_key("cluster/nodes/m.yaml", text, key, value) == new


def test_a_key_that_was_not_said_comes_in() -> None:
    made = set_key(
        "cluster/nodes/m.yaml", "# first\naddress: a    # there\nlabels: {zone: b}\n", "availability", "drain"
    )
    assert "availability: drain\n" in made
    assert made.replace("availability: drain\n", "") == "# first\naddress: a    # there\nlabels: {zone: b}\n"


def test_a_file_that_cannot_be_edited() -> None:
    with pytest.raises(DeployerError):
        set_key("cluster/nodes/m.yaml", "address: [\n", "swarm", "manager")


def test_the_state_of_a_swarm() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "swarm-ca")])
    until = dt.datetime(2046, 11, 20, tzinfo=dt.UTC)
    root = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(until - dt.timedelta(days=1)).not_valid_after(until).sign(key, hashes.SHA256())
    )  # fmt: skip
    told = {
        "CreatedAt": "2026-11-25T22:22:50.8Z", "TLSInfo": {"TrustRoot": root.public_bytes(serialization.Encoding.PEM).decode()},
        "Spec": {"CAConfig": {"NodeCertExpiry": 7776000000000000}, "EncryptionConfig": {"AutoLockManagers": True}},
    }  # fmt: skip
    nodes = [
        {"ID": "n2", "Description": {"Hostname": "w"}, "Spec": {"Role": "worker", "Availability": "drain"}, "Status": {"State": "down"}},
        {"ID": "n1", "Description": {"Hostname": "m"}, "Spec": {"Role": "manager", "Availability": "active"}, "Status": {"State": "ready", "Addr": "10.0.0.1"}, "ManagerStatus": {"Leader": True}},
    ]  # fmt: skip
    state = read_state(told, nodes, "m", {"n1": -61.2})
    check("swarm", swarm_document(state))
    assert (state.root_expires, state.certificates_days, state.autolock) == ("2046-11-20T00:00:00+00:00", 90, True)
    assert [peer.clock_ahead for peer in state.peers] == [-61.2, None]
    assert [(peer.name, peer.state, peer.availability) for peer in state.peers] == [
        ("m", "ready, leader", "active"),
        ("w", "down", "drain"),
    ]
