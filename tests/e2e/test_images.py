"""Images and counts on real machines: digests from a real registry, credentials for one that asks for them, builds, scaling."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.standing import Standing
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLUSTER = """\
name: {name}
ssh: {{user: root, identity_file: {key}}}
engine:
  daemon:
    registry-mirrors: ["http://registry.sandbox:5000"]
    insecure-registries: ["private.sandbox:5000"]
proxy: {{stack: edge, service: nginx}}
"""
EDGE = """\
services:
  nginx:
    image: nginx:1.27
    deploy:
      endpoint_mode: dnsrr
      placement: {constraints: ["node.role == manager"]}
"""
STACK = """\
services:
  web:
    image: nginx:1.27
    deploy:
      endpoint_mode: dnsrr
      placement: {constraints: ["node.role == worker"]}
  app:
    build: {context: app, args: {WHO: world}}
    environment: {VIRTUAL_HOST: app.example}
    stop_grace_period: 1s
    deploy:
      replicas: 2     # one on each
      endpoint_mode: dnsrr
      placement: {max_replicas_per_node: 1}
"""
DOCKERFILE = """\
ARG BASE=redis:7
FROM $BASE
ARG WHO
COPY run.sh /
RUN --mount=type=cache,target=/c test -x /run.sh && test ! -e /no.txt && echo "$WHO" > /who
CMD ["/run.sh"]
"""
COMPOSE = "stacks/shop/compose.yaml"
USER, PASSWORD = "ann", "s3cret"
HTPASSWD = "ann:$2b$12$mrexAiYAO53xUmA37P6keuo/X8pu8NXQ2artJyTg0t11cH7sxcYGm\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """A manager and a worker, applied with one stack."""
    home = tmp_path_factory.mktemp("images")
    standing = Standing("images", home)
    files = {
        "cluster/cluster.yaml": CLUSTER.format(name=standing.name, key=standing.identity_file),
        "cluster/nodes/master.yaml": "address: 203.0.113.1\nswarm: manager\n",
        "cluster/nodes/slave.yaml": "address: 203.0.113.2\nswarm: worker\n",
        COMPOSE: STACK,
        "stacks/edge/compose.yaml": EDGE,
        "stacks/shop/app/Dockerfile": DOCKERFILE,
        "stacks/shop/app/.dockerignore": "*.txt\n",
        "stacks/shop/app/no.txt": "not for the image\n",
        "stacks/shop/app/run.sh": '#!/bin/sh\ntrap "exit 0" TERM\ncat /who\nwhile :; do sleep 1; done\n',
    }
    for path, text in files.items():
        (standing.repo / path).parent.mkdir(parents=True, exist_ok=True)
        (standing.repo / path).write_text(text)
    (standing.repo / "stacks/shop/app/run.sh").chmod(0o755)
    with standing.machines("Two machines, one stack", engine=True):
        standing.must("apply", "--progress", "plain")
        yield standing


def spec(shop: Standing, service: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shop.on("master", "docker", "service", "inspect", service))[0]["Spec"]
    return found


def image(shop: Standing, service: str) -> str:
    return str(spec(shop, service)["TaskTemplate"]["ContainerSpec"]["Image"])


def held(shop: Standing, machine: str) -> set[str]:
    return set(shop.on(machine, "docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split())


def test_a_fresh_cluster_runs_digests_and_its_own_builds_everywhere(shop: Standing) -> None:
    tag, _, digest = image(shop, "shop_web").partition("@")
    assert tag == "nginx:1.27"
    assert spec(shop, "shop_web")["Labels"]["deployer.digest"] == digest
    built = image(shop, "shop_app")
    assert built.startswith("localhost/shop/app:")
    assert built in held(shop, "master") & held(shop, "slave")
    logs = shop.on("master", "docker", "service", "logs", "--raw", "shop_app").split()
    assert logs == ["world", "world"]


def test_a_plan_with_nothing_to_do_needs_no_registry(shop: Standing) -> None:
    registry = shop.container("registry")
    shop.host("stop", "--time", "1", registry)
    try:
        planned = shop.deployer("plan", "--detailed-exitcode")
        assert planned.returncode == 0, planned.stdout + planned.stderr
        assert "asking for" not in planned.stderr
        shop.edit(COMPOSE, "nginx:1.27", "redis:7")
        blocked = shop.deployer("plan", "--worktree")
        assert blocked.returncode == 1
        place = "stacks/shop/compose.yaml:3:12"
        assert f"! {place}: service shop_web: docker.io does not say what redis:7 is: " in blocked.stdout
    finally:
        shop.host("start", registry)
        shop.git("checkout", "--quiet", "--", ".")


def test_another_digest_by_hand_is_drift_and_known_without_a_registry(shop: Standing) -> None:
    before = image(shop, "shop_web")
    bare = ("service", "update", "--detach", "--no-resolve-image", "--image", "nginx:1.27", "shop_web")
    shop.on("master", "docker", *bare)
    planned = shop.deployer("plan")
    assert "shop_web: update service, 1 replica (drifted)" in planned.stdout
    assert "asking for" not in planned.stderr
    assert shop.deployer("apply").returncode == 0
    assert image(shop, "shop_web") == before


def joined(shop: Standing) -> set[str]:
    """The networks that the proxy is on, by name."""
    names = {entry["ID"]: entry["Name"] for entry in shop.listed("network", "ls", "--no-trunc")}
    return {names[one["Target"]] for one in spec(shop, "edge_nginx")["TaskTemplate"]["Networks"]}


def test_the_proxy_reaches_what_has_a_virtual_host_and_again_after_it_was_made_anew(shop: Standing) -> None:
    assert joined(shop) == {"edge_default", "shop_default"}
    assert shop.json("status")["virtual_hosts"] == [{"host": "app.example", "service": "shop_app", "note": ""}]
    shop.on("master", "docker", "service", "rm", "edge_nginx")
    noted = [row["note"] for row in shop.json("status")["virtual_hosts"]]
    assert noted == ["the proxy, edge_nginx, is not there"]
    assert shop.deployer("apply").returncode == 0
    assert joined(shop) == {"edge_default", "shop_default"}
    container = shop.on("master", "docker", "ps", "--quiet", "--filter", "name=edge_nginx").split()[0]
    found = shop.on("master", "docker", "exec", container, "getent", "ahostsv4", "shop_app")
    assert len({line.split()[0] for line in found.splitlines()}) == 2, found


def test_the_proxy_leaves_a_network_that_it_has_no_business_on(shop: Standing) -> None:
    shop.edit(COMPOSE, "    environment: {VIRTUAL_HOST: app.example}\n", "")
    shop.commit("Not for the public any more")
    assert shop.deployer("apply").returncode == 0
    assert joined(shop) == {"edge_default"}
    assert shop.json("status")["virtual_hosts"] == []


def test_a_changed_file_is_another_image_on_every_machine(shop: Standing) -> None:
    before = image(shop, "shop_app")
    shop.edit("stacks/shop/app/run.sh", "cat /who", "cat /who; echo again")
    shop.commit("Say it again")
    planned = shop.deployer("plan")
    assert planned.stdout.count("shop: build localhost/shop/app:") == planned.stdout.count(" from master to slave") == 1
    applied = shop.deployer("apply")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    after = image(shop, "shop_app")
    assert after != before
    assert after in held(shop, "master") & held(shop, "slave")
    assert shop.deployer("plan", "--detailed-exitcode").returncode == 0


def test_a_build_that_fails_says_why_and_leaves_the_service(shop: Standing) -> None:
    before = image(shop, "shop_app")
    shop.edit("stacks/shop/app/Dockerfile", "COPY run.sh /", "COPY nothing.sh /")
    applied = shop.deployer("apply", "--worktree")
    shop.git("checkout", "--quiet", "--", ".")
    assert applied.returncode == 1
    assert "nothing.sh" in applied.stdout
    assert "skipped" in applied.stdout
    assert image(shop, "shop_app") == before


def test_a_count_is_written_committed_and_applied(shop: Standing) -> None:
    head = shop.git("rev-parse", "HEAD")
    scaled = shop.deployer("scale", "shop", "app=1")
    assert scaled.returncode == 0, scaled.stdout + scaled.stderr
    assert shop.git("log", "--format=%an: %s", f"{head}..HEAD") == "t: Scale shop_app from 2 to 1"
    diff = [line for line in shop.git("diff", head, "HEAD").splitlines() if line[:1] in "+-" and line[1:2] == " "]
    assert diff == ["-      replicas: 2     # one on each", "+      replicas: 1     # one on each"]
    assert shop.replicas()["shop_app"].startswith("1/1")


def test_a_count_that_is_not_committed_is_drift(shop: Standing) -> None:
    head = shop.git("rev-parse", "HEAD")
    scaled = shop.deployer("scale", "shop/app=2", "--no-commit")
    assert scaled.returncode == 0, scaled.stdout + scaled.stderr
    assert "this is drift" in scaled.stdout
    (newest, *_) = json.loads(shop.deployer("history", "--json").stdout)["runs"]
    assert (newest["via"], newest["purpose"]) == ("scale", "scale shop_app=2, live only")
    assert shop.replicas()["shop_app"].startswith("2/2")
    assert (shop.git("rev-parse", "HEAD"), shop.git("status", "--porcelain")) == (head, "")
    planned = shop.deployer("plan").stdout
    assert "shop_app: update service, 1 replica (drifted)" in planned
    assert "Mode.Replicated.Replicas: 2 -> 1" in planned


def test_a_registry_that_asks_who_is_there(shop: Standing, tmp_path: Path) -> None:
    """Its password is in the Docker config of whoever runs this, and afterwards nowhere else."""
    private = shop.container("private")
    registry = shop.host("inspect", "--format", "{{.Config.Image}}", shop.container("registry"))
    network = shop.host("inspect", "--format", "{{.HostConfig.NetworkMode}}", shop.container("registry"))
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    settings = {"REGISTRY_AUTH": "htpasswd", "REGISTRY_AUTH_HTPASSWD_REALM": "x"}
    settings["REGISTRY_AUTH_HTPASSWD_PATH"] = "/auth/htpasswd"
    variables = [word for key, value in settings.items() for word in ("--env", f"{key}={value}")]
    shop.host(
        "run", "--detach", "--rm", "--name", private, "--network", network, "--network-alias", "private.sandbox",
        "--volume", f"{tmp_path}:/auth:ro", *variables, registry,
    )  # fmt: skip
    try:
        # The build goes there, and so the worker has to pull it from there.
        shop.edit(COMPOSE, "build: {context: app", "image: private.sandbox:5000/team/app\n    build: {context: app")
        shop.commit("To the registry")
        folder = tmp_path / "docker"
        folder.mkdir()
        shop.env["DOCKER_CONFIG"] = str(folder)
        wait_until(lambda: "401" in _status(shop))
        refused = shop.deployer("apply")
        assert refused.returncode == 1
        assert "no basic auth credentials" in refused.stdout
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {"private.sandbox:5000": {"auth": auth}}}))
        applied = shop.deployer("apply", "--verbose", "--json")
        assert applied.returncode == 0, applied.stdout + applied.stderr
        for secret in (PASSWORD, auth):
            assert secret not in applied.stdout + applied.stderr
            assert secret not in json.dumps(spec(shop, "shop_app"))
        pulled = image(shop, "shop_app")
        assert pulled.startswith("private.sandbox:5000/team/app:")
        assert pulled in held(shop, "master") | held(shop, "slave")
        assert shop.deployer("plan", "--detailed-exitcode").returncode == 0
    finally:
        shop.env.pop("DOCKER_CONFIG", None)
        shop.host("rm", "--force", "--volumes", private)


def _status(shop: Standing) -> str:
    return shop.on(
        "master", "sh", "-c", "curl -s -o /dev/null -w '%{http_code}' http://private.sandbox:5000/v2/ || true"
    )
