"""The registrator as its image, against a real engine and a real Consul."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.certificates import write_certificates
from tests.e2e.registering import MACHINE, PRESENT, SLEEPER, Registering
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANY: Final = 50
"""How many containers are there at the start."""


@pytest.fixture
def registrator(machine: Registering) -> Iterator[Registering]:
    machine.start()
    wait_until(lambda: "Synced" in machine.log(), saw=machine.log)
    yield machine
    machine.clear()
    wait_until(lambda: not machine.catalogue(), saw=lambda: (machine.catalogue(), machine.log()))
    log = machine.log()
    machine.remove()
    assert "Traceback" not in log, log


def test_a_container_with_everything(registrator: Registering) -> None:
    registrator.run(
        "shop", "--publish", "8080:80", "--publish", "8053:53/udp",
        "--env", r"SERVICE_80_TAGS=a,b\,c", "--env", "SERVICE_80_NAME=shop", "--env", "SERVICE_53_IGNORE=1",
        "--env", "SERVICE_REGION=eu", "--env", "SERVICE_CHECK_TCP=true", "--env", "SERVICE_CHECK_INITIAL_STATUS=passing",
    )  # fmt: skip
    wait_until(lambda: bool(registrator.catalogue()))
    ((id_, told),) = registrator.catalogue().items()
    assert id_ == f"{MACHINE}:shop:80"
    assert (told["Service"], told["Address"], told["Port"]) == ("shop", registrator.address, 8080)
    assert told["Tags"] == ["b,c", "a"]
    assert told["Meta"]["region"] == "eu"
    assert not [key for key in told["Meta"] if key.startswith("check_")]
    assert told["Statuses"] == ["passing"]


def test_dockers_health_is_consuls(registrator: Registering) -> None:
    registrator.run("ill", "--publish", "80", "--health-cmd", "test -e /well", "--health-interval", "1s", "--health-retries", "1")  # fmt: skip
    id_ = f"{MACHINE}:ill:80"
    wait_until(lambda: registrator.catalogue().get(id_, {}).get("Statuses") == ["critical"])
    registrator.docker("exec", "ill", "touch", "/well")
    wait_until(lambda: registrator.catalogue()[id_]["Statuses"] == ["passing"])
    registrator.docker("exec", "ill", "rm", "/well")
    wait_until(lambda: registrator.catalogue()[id_]["Statuses"] == ["critical"])


def test_pause_rename_networks_and_signals(registrator: Registering) -> None:
    def ids() -> set[str]:
        return {*registrator.catalogue()}

    registrator.run("aa", "--publish", "80")
    wait_until(lambda: ids() == {f"{MACHINE}:aa:80"})
    registrator.docker("kill", "--signal", "HUP", "aa")
    registrator.docker("pause", "aa")
    wait_until(lambda: ids() == set())
    registrator.docker("unpause", "aa")
    wait_until(lambda: ids() == {f"{MACHINE}:aa:80"})
    registrator.docker("rename", "aa", "bb")
    wait_until(lambda: ids() == {f"{MACHINE}:bb:80"})
    registrator.docker("stop", "--time", "1", "bb")
    wait_until(lambda: ids() == set())


def test_a_stopping_container_is_out_before_it_ends(registrator: Registering) -> None:
    stops_when_told = "trap 'while [ ! -e /go ]; do sleep 0.1; done; exit 0' TERM; while :; do sleep 0.2; done"
    registrator.run("slow", "--publish", "80", "--stop-signal", "TERM", command=stops_when_told)
    wait_until(lambda: bool(registrator.catalogue()))
    stopping = threading.Thread(target=registrator.docker, args=("stop", "--time", "300", "slow"))
    stopping.start()
    try:
        wait_until(lambda: not registrator.catalogue())
        assert [box.running for box in registrator.truth()] == [True], "it was to be out while it still runs"
    finally:
        registrator.docker("exec", "slow", "touch", "/go")
        stopping.join()


def test_one_id_for_two_containers(registrator: Registering) -> None:
    """The first keeps it; when it goes, the second has it (the old program: nobody)."""
    registrator.run("first", "--publish", "8081:80", "--env", "SERVICE_ID=db")
    wait_until(lambda: registrator.catalogue().get("db", {}).get("Port") == 8081)
    registrator.run("second", "--publish", "8082:80", "--env", "SERVICE_ID=db")
    wait_until(lambda: "the id db is taken by container" in registrator.log())
    assert registrator.catalogue()["db"]["Port"] == 8081
    registrator.docker("rm", "--force", "first")
    wait_until(lambda: registrator.catalogue().get("db", {}).get("Port") == 8082)


def test_bad_input_is_said_once_and_harms_nothing(registrator: Registering) -> None:
    registrator.run("half", "--publish", "80", "--env", "SERVICE_CHECK_HTTP=/", "--env", "SERVICE_CHECK_INTERVAL=often")
    registrator.run("odd", "--publish", "80", "--env", "SERVICE_NAME=my_shop", "--env", "SERVICE_CHECK_HTPT=/", "--env", "SERVICE_81_CHECK_HTTP=/")  # fmt: skip
    wait_until(lambda: bool(registrator.catalogue()))
    registrator.docker("rename", "odd", "odder")
    wait_until(lambda: f"{MACHINE}:odder:80" in registrator.catalogue())
    wait_until(
        lambda: {*registrator.catalogue()} == {f"{MACHINE}:odder:80"},
        "odder alone to be registered, and no half service",
    )
    log = registrator.log()
    for said in (
        "half: port 80 not registered: CHECK_INTERVAL is 'often'",
        "'my_shop' is no DNS label",
        "there is no setting CHECK_HTPT; is CHECK_HTTP meant?",
        "SERVICE_81_CHECK_HTTP is for a port that it does not have",
    ):
        assert log.count(said) <= 2, said
        assert said in log, log


def test_what_happened_while_it_was_away(registrator: Registering) -> None:
    """Foreign entries stay; -cleanup takes what an old registrator of this host left, and nothing else."""
    for name in ("stays", "goes"):
        registrator.run(name, "--publish", "80")
    wait_until(lambda: len(registrator.catalogue()) == 2)
    registrator.kill()
    foreign = {"byhand": "byhand", f"{MACHINE}:ghost:80": "old", "other:ghost:80": "old"}
    for id_, name in foreign.items():
        registrator.consul("/v1/agent/service/register", "PUT", {"ID": id_, "Name": name, "Port": 1})
    registrator.docker("rm", "--force", "goes")
    registrator.run("comes", "--publish", "80")
    registrator.again()
    ours = {f"{MACHINE}:stays:80", f"{MACHINE}:comes:80"}
    wait_until(lambda: {*registrator.catalogue()} == ours | {*foreign})
    registrator.start("-cleanup")
    wait_until(lambda: {*registrator.catalogue()} == ours | {"byhand", "other:ghost:80"}, saw=registrator.log)
    for id_ in ("byhand", "other:ghost:80"):
        registrator.consul(f"/v1/agent/service/deregister/{id_}", "PUT")


def test_consul_away_is_waited_for_and_said_once(registrator: Registering) -> None:
    registrator.docker("pause", "deployer-consul")
    registrator.docker("unpause", "deployer-consul")
    registrator.docker("stop", "--time", "2", "deployer-consul")
    registrator.run("meanwhile", "--publish", "80")
    wait_until(lambda: "Consul does not answer" in registrator.log())
    registrator.docker("start", "deployer-consul")
    wait_until(lambda: "Consul answers again" in registrator.log())
    wait_until(lambda: "Synced" in registrator.log().rpartition("answers again")[2])
    wait_until(lambda: _registered(registrator, "meanwhile"))
    assert registrator.log().count("Consul does not answer") == 1


def _registered(registrator: Registering, name: str) -> bool:
    try:
        return f"{MACHINE}:{name}:80" in registrator.catalogue()
    except (OSError, AssertionError, TypeError):
        return False  # no leader yet


def test_what_the_mesh_publishes_is_registered_by_the_leader(registrator: Registering) -> None:
    """IPVS may be missing here: nothing is sent, the entries are what counts."""
    registrator.docker(
        "service", "create", "--detach", "--name", "meshed", "--publish", "published=8090,target=80", "--replicas", "2",
        "--env", "SERVICE_NAME=meshed", "--entrypoint", "sleep", SLEEPER, "infinity",
    )  # fmt: skip
    try:
        wait_until(lambda: len(registrator.catalogue()) == 2, saw=registrator.log)
        found = sorted((told["Meta"]["swarm-slot"], told) for told in registrator.catalogue().values())
        assert [slot for slot, _ in found] == ["1", "2"]
        for _, told in found:
            assert (told["Service"], told["Address"], told["Port"]) == ("meshed", registrator.address, 8090)
            assert (told["Meta"]["swarm-service"], told["Meta"]["swarm-node"]) == ("meshed", MACHINE)
    finally:
        registrator.docker("service", "rm", "meshed")
    wait_until(lambda: not registrator.catalogue())


def test_a_stop_ends_it_and_the_catalogue_stays(registrator: Registering) -> None:
    registrator.run("here", "--publish", "80")
    wait_until(lambda: bool(registrator.catalogue()))
    registrator._standing.host("stop", "--time", "8", registrator.name)
    assert registrator.exit_code() == 0
    assert {*registrator.catalogue()} == {f"{MACHINE}:here:80"}
    registrator.again()


def test_without_patience_a_missing_consul_ends_it(machine: Registering) -> None:
    machine.start("-retry-attempts=2", "-retry-interval=50", uri="consul://localhost:1")
    wait_until(lambda: machine.exit_code() == 1)
    assert machine.log().count("does not answer, waiting") == 1
    machine.remove()


def test_a_consul_that_speaks_tls_and_wants_a_certificate(machine: Registering, tmp_path: Path) -> None:
    """`consul-tls://` with CONSUL_CACERT, CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY, as the old registrator had them."""
    certificates = tmp_path / "tls"
    write_certificates(certificates, machine.address)
    machine.sh("rm", "-rf", "/root/tls")
    machine.copy(certificates, "/root/tls")
    settings = (
        'ports { http = -1 https = 8501 } ca_file = "/tls/ca.pem" cert_file = "/tls/cert.pem" key_file = "/tls/key.pem" '
        "verify_incoming_https = true"
    )
    machine.docker(
        "run", "--detach", "--name", "secure", "--label", "test", "--env", "SERVICE_IGNORE=1", "--volume", "/root/tls:/tls:ro",
        "--publish", "127.0.0.1:8501:8501", PRESENT, "agent", "-dev", "-client", "0.0.0.0", "-hcl", settings,
    )  # fmt: skip

    def services(*options: str) -> str:
        return machine.sh(
            "curl", "-sS", "--cacert", "/root/tls/ca.pem", *options, "https://localhost:8501/v1/catalog/services"
        )

    own = ("--cert", "/root/tls/cert.pem", "--key", "/root/tls/key.pem")
    try:
        wait_until(lambda: services(*own).startswith("{"), saw=lambda: machine.docker("logs", "secure"))
        assert not services()  # without a certificate it says nothing
        paths = {"CONSUL_CACERT": "ca.pem", "CONSUL_CLIENT_CERT": "cert.pem", "CONSUL_CLIENT_KEY": "key.pem"}
        env = [f"{name}=/tls/{file}" for name, file in paths.items()]
        machine.start(uri="consul-tls://localhost:8501", env=env, volume=f"{certificates}:/tls:ro")
        machine.run("hidden", "--publish", "80", "--env", "SERVICE_NAME=hidden")
        wait_until(lambda: '"hidden"' in services(*own), saw=machine.log)
        machine.docker("kill", "hidden")
        wait_until(lambda: '"hidden"' not in services(*own), saw=machine.log)
        # An authority that did not sign it: said once, and nothing is sent.
        machine.start(
            "-retry-attempts=1",
            "-retry-interval=50",
            uri="consul-tls://localhost:8501",
            env=env[1:],
            volume=f"{certificates}:/tls:ro",
        )
        wait_until(lambda: machine.exit_code() == 1, saw=machine.log)
        assert machine.log().rstrip().endswith("unable to get local issuer certificate")
    finally:
        machine.remove()
        machine.clear()


@pytest.mark.timeout(600)
def test_many_at_the_start(registrator: Registering) -> None:
    """All of them are registered, and the program stays small: `make bench` says how quickly."""
    registrator.kill()
    script = (
        f"seq {MANY} | xargs -P 4 -I @ docker run -d --name many@ --label test --network host --expose 80 -e SERVICE_NAME=many "
        f"--stop-signal KILL --entrypoint sleep {SLEEPER} infinity >/dev/null"
    )
    registrator.sh("sh", "-c", script)
    registrator.again()

    def seen() -> int:
        return len(registrator.consul("/v1/catalog/service/many"))

    wait_until(lambda: seen() == MANY, seconds=180, saw=lambda: (seen(), registrator.log()[-2000:]))
    assert registrator.memory() < 80, "MiB"
