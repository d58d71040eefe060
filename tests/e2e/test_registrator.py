"""The registrator as its image, against a real engine and a real Consul."""

from __future__ import annotations

import os
import statistics
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.certificates import write_certificates
from tests.e2e.registering import MACHINE, PRESENT, SLEEPER, Registering
from tests.e2e.standing import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MANY = int(os.environ.get("REGISTRATOR_MANY", "100"))
"""How many containers are there at the start; the figure of the closing note is of 500."""
ROUNDS = int(os.environ.get("REGISTRATOR_ROUNDS", "20"))
"""How many containers the latency is measured over; the figure of the closing note is of 100."""


@pytest.fixture
def registrator(machine: Registering) -> Iterator[Registering]:
    machine.start()
    assert until(lambda: "Synced" in machine.log(), 20), machine.log()
    yield machine
    machine.clear()
    assert until(lambda: not machine.catalogue(), 20), (machine.catalogue(), machine.log())
    log = machine.log()
    machine.remove()
    assert "Traceback" not in log, log


def test_a_container_with_everything(registrator: Registering) -> None:
    registrator.run(
        "shop", "--publish", "8080:80", "--publish", "8053:53/udp",
        "--env", r"SERVICE_80_TAGS=a,b\,c", "--env", "SERVICE_80_NAME=shop", "--env", "SERVICE_53_IGNORE=1",
        "--env", "SERVICE_REGION=eu", "--env", "SERVICE_CHECK_TCP=true", "--env", "SERVICE_CHECK_INITIAL_STATUS=passing",
    )  # fmt: skip
    assert until(lambda: bool(registrator.catalogue()), 5)
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
    assert until(lambda: registrator.catalogue().get(id_, {}).get("Statuses") == ["critical"], 5)
    registrator.docker("exec", "ill", "touch", "/well")
    assert until(lambda: registrator.catalogue()[id_]["Statuses"] == ["passing"], 5)
    registrator.docker("exec", "ill", "rm", "/well")
    assert until(lambda: registrator.catalogue()[id_]["Statuses"] == ["critical"], 5)


def test_pause_rename_networks_and_signals(registrator: Registering) -> None:
    def ids() -> set[str]:
        return {*registrator.catalogue()}

    registrator.run("aa", "--publish", "80")
    assert until(lambda: ids() == {f"{MACHINE}:aa:80"}, 5)
    registrator.docker("kill", "--signal", "HUP", "aa")
    registrator.docker("pause", "aa")
    assert until(lambda: ids() == set(), 5)
    registrator.docker("unpause", "aa")
    assert until(lambda: ids() == {f"{MACHINE}:aa:80"}, 5)
    registrator.docker("rename", "aa", "bb")
    assert until(lambda: ids() == {f"{MACHINE}:bb:80"}, 5)
    registrator.docker("stop", "--time", "1", "bb")
    assert until(lambda: ids() == set(), 5)


def test_a_stopping_container_is_out_before_it_ends(registrator: Registering) -> None:
    registrator.run("slow", "--publish", "80", "--stop-signal", "TERM", command="trap 'sleep 4; exit 0' TERM; while :; do sleep 0.2; done")  # fmt: skip
    assert until(lambda: bool(registrator.catalogue()), 5)
    stopping = threading.Thread(target=registrator.docker, args=("stop", "--time", "20", "slow"))
    stopping.start()
    try:
        assert until(lambda: not registrator.catalogue(), 3)
        assert [box.running for box in registrator.truth()] == [True], "it was to be out while it still runs"
    finally:
        stopping.join()


def test_one_id_for_two_containers(registrator: Registering) -> None:
    """The first keeps it; when it goes, the second has it (the old program: nobody)."""
    registrator.run("first", "--publish", "8081:80", "--env", "SERVICE_ID=db")
    assert until(lambda: registrator.catalogue().get("db", {}).get("Port") == 8081, 5)
    registrator.run("second", "--publish", "8082:80", "--env", "SERVICE_ID=db")
    assert until(lambda: "the id db is taken by container" in registrator.log(), 5)
    assert registrator.catalogue()["db"]["Port"] == 8081
    registrator.docker("rm", "--force", "first")
    assert until(lambda: registrator.catalogue().get("db", {}).get("Port") == 8082, 5)


def test_bad_input_is_said_once_and_harms_nothing(registrator: Registering) -> None:
    registrator.run("half", "--publish", "80", "--env", "SERVICE_CHECK_HTTP=/", "--env", "SERVICE_CHECK_INTERVAL=often")
    registrator.run("odd", "--publish", "80", "--env", "SERVICE_NAME=my_shop", "--env", "SERVICE_CHECK_HTPT=/", "--env", "SERVICE_81_CHECK_HTTP=/")  # fmt: skip
    assert until(lambda: bool(registrator.catalogue()), 5)
    registrator.docker("rename", "odd", "odder")
    assert until(lambda: f"{MACHINE}:odder:80" in registrator.catalogue(), 5)
    assert until(lambda: {*registrator.catalogue()} == {f"{MACHINE}:odder:80"}, 5), "half a service was registered"
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
    assert until(lambda: len(registrator.catalogue()) == 2, 5)
    registrator.kill()
    foreign = {"byhand": "byhand", f"{MACHINE}:ghost:80": "old", "other:ghost:80": "old"}
    for id_, name in foreign.items():
        registrator.consul("/v1/agent/service/register", "PUT", {"ID": id_, "Name": name, "Port": 1})
    registrator.docker("rm", "--force", "goes")
    registrator.run("comes", "--publish", "80")
    registrator.again()
    ours = {f"{MACHINE}:stays:80", f"{MACHINE}:comes:80"}
    assert until(lambda: {*registrator.catalogue()} == ours | {*foreign}, 10)
    registrator.start("-cleanup")
    assert until(lambda: {*registrator.catalogue()} == ours | {"byhand", "other:ghost:80"}, 10), registrator.log()
    for id_ in ("byhand", "other:ghost:80"):
        registrator.consul(f"/v1/agent/service/deregister/{id_}", "PUT")


def test_consul_away_is_waited_for_and_said_once(registrator: Registering) -> None:
    registrator.docker("pause", "deployer-consul")
    registrator.docker("unpause", "deployer-consul")
    registrator.docker("stop", "--time", "2", "deployer-consul")
    registrator.run("meanwhile", "--publish", "80")
    assert until(lambda: "Consul does not answer" in registrator.log(), 10)
    registrator.docker("start", "deployer-consul")
    assert until(lambda: "Consul answers again" in registrator.log(), 20)
    assert until(lambda: "Synced" in registrator.log().rpartition("answers again")[2], 10)
    assert until(lambda: _registered(registrator, "meanwhile"), 10)
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
        assert until(lambda: len(registrator.catalogue()) == 2, 30), registrator.log()
        found = sorted((told["Meta"]["swarm-slot"], told) for told in registrator.catalogue().values())
        assert [slot for slot, _ in found] == ["1", "2"]
        for _, told in found:
            assert (told["Service"], told["Address"], told["Port"]) == ("meshed", registrator.address, 8090)
            assert (told["Meta"]["swarm-service"], told["Meta"]["swarm-node"]) == ("meshed", MACHINE)
    finally:
        registrator.docker("service", "rm", "meshed")
    assert until(lambda: not registrator.catalogue(), 5)


def test_a_stop_ends_it_and_the_catalogue_stays(registrator: Registering) -> None:
    registrator.run("here", "--publish", "80")
    assert until(lambda: bool(registrator.catalogue()), 5)
    registrator._standing.host("stop", "--time", "8", registrator.name)
    assert registrator.exit_code() == 0
    assert {*registrator.catalogue()} == {f"{MACHINE}:here:80"}
    registrator.again()


def test_without_patience_a_missing_consul_ends_it(machine: Registering) -> None:
    machine.start("-retry-attempts=2", "-retry-interval=50", uri="consul://localhost:1")
    assert until(lambda: machine.exit_code() == 1, 10)
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
        assert until(lambda: services(*own).startswith("{"), 20), machine.docker("logs", "secure")
        assert not services()  # without a certificate it says nothing
        paths = {"CONSUL_CACERT": "ca.pem", "CONSUL_CLIENT_CERT": "cert.pem", "CONSUL_CLIENT_KEY": "key.pem"}
        env = [f"{name}=/tls/{file}" for name, file in paths.items()]
        machine.start(uri="consul-tls://localhost:8501", env=env, volume=f"{certificates}:/tls:ro")
        machine.run("hidden", "--publish", "80", "--env", "SERVICE_NAME=hidden")
        assert until(lambda: '"hidden"' in services(*own), 20), machine.log()
        machine.docker("kill", "hidden")
        assert until(lambda: '"hidden"' not in services(*own), 10), machine.log()
        # An authority that did not sign it: said once, and nothing is sent.
        machine.start(
            "-retry-attempts=1",
            "-retry-interval=50",
            uri="consul-tls://localhost:8501",
            env=env[1:],
            volume=f"{certificates}:/tls:ro",
        )
        assert until(lambda: machine.exit_code() == 1, 20), machine.log()
        assert machine.log().rstrip().endswith("unable to get local issuer certificate")
    finally:
        machine.remove()
        machine.clear()


def test_how_quickly(registrator: Registering, record_property: Callable[[str, object], None]) -> None:
    """From the engine's event to the catalogue of Consul's server: the limit is one event, one inspect, one request."""
    starts: list[float] = []
    stops: list[float] = []
    for n in range(ROUNDS):
        registrator.docker(
            "create", "--name", f"quick{n}", "--label", "test", "--publish", "80", "--env", f"SERVICE_NAME=quick{n}",
            "--entrypoint", "sleep", SLEEPER, "infinity",
        )  # fmt: skip
    for n in range(ROUNDS):
        name, began, index = f"quick{n}", time.time(), registrator.index(f"quick{n}")
        for times, event, verb, there in ((starts, "start", "start", True), (stops, "kill", "kill", False)):
            acting = threading.Thread(target=registrator.docker, args=(verb, name))
            acting.start()
            came = registrator.seen(name, index, there=there)
            acting.join()
            (at,) = registrator.events(began, name, event)
            times.append((came - at) * 1000)
            index = registrator.index(name) if there else 0
    for what, times in (("start to visible", starts), ("stop to gone", stops)):
        median, p95 = statistics.median(times), statistics.quantiles(times, n=20)[18]
        record_property(what, f"median {median:.1f} ms, p95 {p95:.1f} ms over {len(times)}")
        print(f"\n{what}: median {median:.1f} ms, p95 {p95:.1f} ms over {len(times)} containers")
        assert median < 2 * 50, (what, sorted(times))  # twice the bar: the machine is shared


@pytest.mark.timeout(60 + 3 * MANY)
def test_many_at_the_start_and_idle(registrator: Registering, record_property: Callable[[str, object], None]) -> None:
    registrator.kill()
    script = (
        f"seq {MANY} | xargs -P 4 -I @ docker run -d --name many@ --label test --network host --expose 80 -e SERVICE_NAME=many "
        f"--stop-signal KILL --entrypoint sleep {SLEEPER} infinity >/dev/null"
    )
    registrator.sh("sh", "-c", script)
    began = time.time()
    registrator.again()

    def seen() -> int:
        return len(registrator.consul("/v1/catalog/service/many"))

    assert until(lambda: seen() == MANY, 60), (seen(), registrator.log()[-2000:])
    seconds = time.time() - began
    before = registrator.processor_seconds()
    time.sleep(20)  # what is measured is that nothing happens
    idle = (registrator.processor_seconds() - before) / 20 * 100
    memory = registrator.memory()
    record_property("many", f"{MANY} containers in {seconds:.2f} s, {memory:.0f} MiB, {idle:.2f} % idle")
    print(
        f"\n{MANY} containers registered {seconds:.2f} s after `docker start`; {memory:.0f} MiB; {idle:.2f} % of a core idle"
    )
    assert seconds < 2 * 5
    assert memory < 80
    assert idle < 2 * 1
