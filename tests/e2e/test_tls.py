"""Engines that listen for TLS on the real cluster: who gets in and who does not, new certificates, another authority, and the end of it.

One machine outside the swarm, whose containers go on, and a worker, which is drained. The cluster is left as git said before.
"""

from __future__ import annotations

import json
import re
import shlex
import socket
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.standing import Standing

SECURED = ("consul", "slave")


def done(cluster: Standing, *args: str) -> str:
    ended = cluster.deployer(*args)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def docker(cluster: Standing, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Docker's own client on this machine, with nothing but these variables."""
    clean = {"PATH": cluster.env["PATH"], "HOME": str(cluster.repo.parent), **env}
    return subprocess.run(["docker", *argv], env=clean, capture_output=True, text=True, check=False, timeout=60)


def variables(cluster: Standing, machine: str) -> dict[str, str]:
    """What `env` exports."""
    text = done(cluster, "env", "--shell", "bash", machine)
    return dict(re.findall(r'export (\w+)="([^"]*)"', text))


def name_over_tls(cluster: Standing, machine: str, **changes: str) -> str:
    told = docker(cluster, "info", "--format", "{{.Name}}", **(variables(cluster, machine) | changes))
    return told.stdout.strip() or told.stderr.strip()


def without_certificate(cluster: Standing, machine: str) -> str:
    """What a client is told that believes the machine, and has nothing to show itself."""
    address = cluster.address(machine)
    context = ssl.create_default_context(cafile=f"{variables(cluster, machine)['DOCKER_CERT_PATH']}/ca.pem")
    try:
        with (
            socket.create_connection((address, 2376), 20) as plain,
            context.wrap_socket(plain, server_hostname=address) as spoken,
        ):
            spoken.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
            return spoken.recv(1000).decode()
    except OSError as error:
        return str(error)


def started(cluster: Standing, machine: str, container: str = "deployer-consul") -> str:
    return cluster.on(machine, "docker", "inspect", "--format", "{{.State.StartedAt}}", container)


@pytest.fixture(scope="module")
def secured(cluster: Standing) -> Iterator[Standing]:
    """Two machines have TLS; one of them keeps its containers over a restart of its engine."""
    before, saved = cluster.git("rev-parse", "HEAD"), cluster.on("consul", "cat", "/etc/docker/daemon.json")
    with (cluster.repo / "cluster/nodes/consul.yaml").open("a") as file:
        file.write("engine: {tls: true, daemon: {live-restore: true}}\n")
    with (cluster.repo / "cluster/nodes/slave.yaml").open("a") as file:
        file.write("engine: {tls: true}\n")
    cluster.commit("Two engines listen for TLS")
    try:
        said = done(cluster, "apply")
        assert f"docker gets in at {cluster.address('slave')}:2376" in said
        wait_until(
            lambda: "No changes" in done(cluster, "plan"),
            "an empty plan, with all that the engine took along back elsewhere",
            seconds=180,
        )
        yield cluster
    finally:
        cluster.back_to(before)
        restored = f"printf %s {shlex.quote(saved)} >/etc/docker/daemon.json && systemctl reload docker"
        cluster.on("consul", "sh", "-c", restored)
        said = done(cluster, "apply")
    for machine in SECURED:
        assert f"{machine}: listen for TLS no more" in said
        left = cluster.on(machine, "sh", "-c", "find /etc/docker /etc/systemd/system -name '*tls*'")
        assert left == ""
        refused = docker(cluster, "-H", f"tcp://{cluster.address(machine)}:2376", "ps")
        assert "Cannot connect" in refused.stderr, refused.stderr
    wait_until(lambda: "No changes" in done(cluster, "plan"), seconds=180)


def test_docker_gets_in_with_what_env_says_and_with_nothing_less(secured: Standing) -> None:
    for machine in SECURED:
        assert name_over_tls(secured, machine) == machine
        assert done(secured, "machine", "url", machine).strip() == f"tcp://{secured.address(machine)}:2376"
    options = shlex.split(done(secured, "machine", "config", "slave"))
    assert docker(secured, *options, "info", "--format", "{{.Name}}").stdout == "slave\n"
    host = f"tcp://{secured.address('slave')}:2376"
    plain = docker(secured, "-H", host, "info", "--format", "{{.Name}}")
    assert "HTTP request to an HTTPS server" in plain.stdout + plain.stderr
    told = without_certificate(secured, "slave").replace("_", " ").lower()
    assert re.search("certificate required|bad certificate", told), told
    assert "ssh://" in done(secured, "env", "--shell", "bash", "--ssh", "slave")


def test_another_authority_s_client_does_not_get_in(secured: Standing) -> None:
    from deployer.certificates.store import client_folder, server_files  # noqa: PLC0415 - of this test alone

    own = secured.env["XDG_DATA_HOME"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", f"{own}/stranger")
        server_files("sandbox", ("x",))
        stranger = client_folder("sandbox")
    told = name_over_tls(secured, "slave", DOCKER_CERT_PATH=str(stranger))
    assert "certificate signed by unknown authority" in told, told
    posing = stranger.parent / "posing"
    posing.mkdir()
    for name, folder in {
        "ca.pem": own + "/deployer/tls/sandbox",
        "cert.pem": str(stranger),
        "key.pem": str(stranger),
    }.items():
        (posing / name).write_bytes(Path(folder, name).read_bytes())
    told = name_over_tls(secured, "slave", DOCKER_CERT_PATH=str(posing))
    assert re.search("unknown certificate authority|bad certificate", told), told


def test_keys_are_nobody_elses_and_the_end_is_told(secured: Standing) -> None:
    modes = secured.on("slave", "sh", "-c", "cd /etc/docker/deployer-tls && stat -c '%a %n' . *")
    assert modes.split() == ["700", ".", "600", "ca.pem", "600", "cert.pem", "600", "key.pem"]
    days = done(secured, "machine", "ls", "--format", "{{.Name}} {{.Expires}}").splitlines()
    found = dict(line.split(" ") for line in days if " " in line.strip())
    assert {name for name, day in found.items() if day} == set(SECURED)
    listed = {one["name"]: one for one in json.loads(secured.deployer("machine", "ls", "--json").stdout)["machines"]}
    assert listed["slave"]["expires"] == found["slave"]
    assert listed["master"]["expires"] is None


def test_new_certificates_where_containers_go_on(secured: Standing) -> None:
    """Outside the swarm, with live-restore: the engine restarts, Consul does not."""
    before, serial = started(secured, "consul"), certificate(secured, "consul")
    assert "consul: listen for TLS with a new certificate" in done(secured, "machine", "regenerate-certs", "consul")
    assert started(secured, "consul") == before
    assert certificate(secured, "consul") != serial
    assert name_over_tls(secured, "consul") == "consul"


def test_another_authority_one_machine_after_the_other_and_the_old_one_as_long(secured: Standing) -> None:
    """Who has the old certificates gets in everywhere until it is finished; the worker's tasks are elsewhere meanwhile."""
    own = f"{secured.env['XDG_DATA_HOME']}/deployer/tls/sandbox"
    earlier = secured.repo.parent / "earlier"
    subprocess.run(["cp", "-a", own, earlier], check=True)
    services = secured.replicas()
    said = done(secured, "machine", "regenerate-certs", "--client-certs", "consul")
    assert "another authority" in said
    early = secured.deployer("machine", "regenerate-certs", "--finish")
    assert early.returncode == 5, early.stdout + early.stderr
    assert "slave: it has no certificate of the new authority" in early.stderr + early.stdout
    for folder in (own, str(earlier)):
        for machine in SECURED:
            assert name_over_tls(secured, machine, DOCKER_CERT_PATH=folder) == machine
    said = done(secured, "machine", "regenerate-certs", "slave", "--force")
    assert said.index("slave: drain") < said.index("slave: listen for TLS") < said.index("slave: activate")
    assert name_over_tls(secured, "slave", DOCKER_CERT_PATH=str(earlier)) == "slave"
    done(secured, "machine", "regenerate-certs", "--finish", "consul")
    for machine in SECURED:
        assert name_over_tls(secured, machine) == machine
    assert "certificate" in name_over_tls(secured, "consul", DOCKER_CERT_PATH=str(earlier))
    wait_until(lambda: secured.replicas() == services, seconds=180)
    wait_until(lambda: "No changes" in done(secured, "plan"), seconds=180)


def certificate(cluster: Standing, machine: str) -> str:
    return cluster.on(machine, "cat", "/etc/docker/deployer-tls/cert.pem")
