"""Ordinary compose files through Docker's own tools: each field below was written by hand from what the file says."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from deployer.compose import Compiled, compile_stacks
from deployer.model.secret import Secret
from deployer.model.stack import Dependency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.compose.tools import Tools
    from deployer.model.stack import StackObjects, StackSource

SECOND = 1_000_000_000
MIB = 1 << 20
CONTAINER = "TaskTemplate.ContainerSpec"


@pytest.fixture(scope="module")
def compiled(found: Tools, examples: tuple[StackSource, ...], tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compile_stacks(examples, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def objects(compiled: Compiled) -> Mapping[str, StackObjects]:
    return {one.stack: one for one in compiled.objects}


def named(bodies: tuple[Mapping[str, Any], ...], name: str) -> Mapping[str, Any]:
    return next(body for body in bodies if body["Name"] == name)


def dig(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else (value or {}).get(step)
    return value


FIELDS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "swarmtest",
        "web",
        {
            "Mode": {"Replicated": {"Replicas": 3}},
            "EndpointSpec": {
                "Mode": "dnsrr",
                "Ports": [{"Protocol": "tcp", "TargetPort": 8000, "PublishMode": "host"}],
            },
            f"{CONTAINER}.Image": "swarmtest/web:1",
            f"{CONTAINER}.Env": ["REDIS=redis"],
            "TaskTemplate.Networks": [{"Target": "swarmtest_default", "Aliases": ["web"]}],
            "Labels": {"com.docker.stack.image": "swarmtest/web:1", "com.docker.stack.namespace": "swarmtest"},
        },
    ),
    ("swarmtest", "redis", {f"{CONTAINER}.Mounts.0.Source": "swarmtest_counts", "Mode": {"Replicated": {}}}),
    (
        "anchors",
        "api",
        {
            f"{CONTAINER}.Image": "registry.example:5000/team/app:2.1",
            f"{CONTAINER}.Args": ["serve", "--port", "80"],
            f"{CONTAINER}.Env": ["LOG=info", "REGION=eu"],
            "Mode.Replicated.Replicas": 2,
        },
    ),
    (
        "anchors",
        "worker",
        {
            f"{CONTAINER}.Args": ["work", "--forever"],
            f"{CONTAINER}.Env": ["LOG=debug", "REGION=eu"],
            "Mode.Replicated.Replicas": 5,
        },
    ),
    (
        "extends",
        "shop",
        {
            f"{CONTAINER}.Image": "shop:4",
            f"{CONTAINER}.Env": ["JAVA_OPTS=-Xmx256m", "PROFILE=shop"],
            f"{CONTAINER}.StopGracePeriod": 45 * SECOND,
        },
    ),
    ("include", "app", {f"{CONTAINER}.Image": "app:9"}),
    ("include", "db", {f"{CONTAINER}.Image": "postgres:16", f"{CONTAINER}.Mounts.0.Source": "include_data"}),
    (
        "environment",
        "job",
        {
            f"{CONTAINER}.Env": ["EMPTY=", "GREETING=hello the world", "MODE=a$b", "PRICE=5$"],
            f"{CONTAINER}.Labels": {
                "com.docker.stack.namespace": "environment",
                "traefik.http.routers.job.rule": "Host(`job.example`)",
            },
            "Labels.team": "ops",
        },
    ),
    ("ports", "plain", {"EndpointSpec.Ports": [{"Protocol": "tcp", "TargetPort": 80, "PublishMode": "ingress"}]}),
    ("ports", "pair", {"EndpointSpec.Ports.0.PublishedPort": 8080, "EndpointSpec.Ports.0.TargetPort": 80}),
    ("ports", "udp", {"EndpointSpec.Ports.0.Protocol": "udp", "EndpointSpec.Ports.0.PublishedPort": 5353}),
    (
        "ports",
        "several",
        {
            "EndpointSpec.Ports": [
                {"Protocol": "tcp", "TargetPort": 7000, "PublishedPort": 9000, "PublishMode": "ingress"},
                {"Protocol": "tcp", "TargetPort": 7001, "PublishedPort": 9001, "PublishMode": "ingress"},
            ]
        },
    ),
    ("ports", "bound", {"EndpointSpec.Ports.0.PublishedPort": 8081, "EndpointSpec.Ports.0.PublishMode": "ingress"}),
    ("ports", "long", {"EndpointSpec.Ports.0.PublishedPort": 8443, "EndpointSpec.Ports.0.PublishMode": "host"}),
    (
        "health",
        "shell",
        {
            f"{CONTAINER}.Healthcheck": {
                "Test": ["CMD-SHELL", "curl -f localhost || exit 1"],
                "Interval": 90 * SECOND,
                "Timeout": 10 * SECOND,
                "Retries": 3,
                "StartPeriod": 40 * SECOND,
            }
        },
    ),
    (
        "health",
        "exec",
        {f"{CONTAINER}.Healthcheck": {"Test": ["CMD", "/probe", "--deep"], "StartInterval": SECOND // 2}},
    ),
    ("health", "none", {f"{CONTAINER}.Healthcheck.Test": ["NONE"]}),
    (
        "storage",
        "db",
        {
            f"{CONTAINER}.Mounts.0.VolumeOptions.DriverConfig": {
                "Name": "local",
                "Options": {"type": "nfs", "o": "addr=10.0.0.9,rw", "device": ":/export"},
            },
            f"{CONTAINER}.Mounts.0.VolumeOptions.Labels.backup": "nightly",
            f"{CONTAINER}.Mounts.1": {"Type": "bind", "Source": "/srv/import", "Target": "/import", "ReadOnly": True},
            f"{CONTAINER}.Mounts.2": {"Type": "tmpfs", "Target": "/scratch", "TmpfsOptions": {"SizeBytes": 64 * MIB}},
            f"{CONTAINER}.Mounts.3.Source": "company_archive",
            f"{CONTAINER}.Mounts.3.VolumeOptions.NoCopy": True,
            f"{CONTAINER}.Mounts.4": {"Type": "tmpfs", "Target": "/run", "TmpfsOptions": {"SizeBytes": MIB}},
            f"{CONTAINER}.Mounts.5": {"Type": "tmpfs", "Target": "/cache"},
        },
    ),
    (
        "networks",
        "edge",
        {
            "TaskTemplate.Networks": [
                {"Target": "company_shared", "Aliases": ["edge"]},
                {"Target": "networks_front", "Aliases": ["www", "edge"]},
            ]
        },
    ),
    ("networks", "agent", {"TaskTemplate.Networks": [{"Target": "host"}]}),
    (
        "deploy",
        "web",
        {
            "Mode.Replicated.Replicas": 4,
            "TaskTemplate.Placement": {
                "Constraints": ["node.role == worker", "node.labels.zone != b"],
                "Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.zone"}}],
                "MaxReplicas": 2,
            },
            "TaskTemplate.Resources": {
                "Limits": {"NanoCPUs": SECOND // 2, "MemoryBytes": 64 * MIB, "Pids": 100},
                "Reservations": {"NanoCPUs": SECOND // 4, "MemoryBytes": 32 * MIB},
            },
            "TaskTemplate.RestartPolicy": {
                "Condition": "on-failure",
                "Delay": 5 * SECOND,
                "MaxAttempts": 3,
                "Window": 120 * SECOND,
            },
            "UpdateConfig": {
                "Parallelism": 2,
                "Delay": 10 * SECOND,
                "FailureAction": "rollback",
                "Monitor": 15 * SECOND,
                "MaxFailureRatio": 0.25,
                "Order": "start-first",
            },
            "RollbackConfig.Order": "stop-first",
        },
    ),
    ("deploy", "agent", {"Mode": {"Global": {}}}),
    ("deploy", "scaled", {"Mode.Replicated.Replicas": 6}),
    ("deploy", "once", {"TaskTemplate.RestartPolicy.Condition": "none"}),
    (
        "deploy",
        "stubborn",
        {
            "TaskTemplate.RestartPolicy": {"Condition": "on-failure", "MaxAttempts": 7},
            "TaskTemplate.Resources.Limits": {"NanoCPUs": 3 * SECOND // 2, "MemoryBytes": 128 * MIB},
        },
    ),
    (
        "ignored",
        "old",
        {
            "Name": "ignored_old",
            f"{CONTAINER}.Image": "old:1",
            f"{CONTAINER}.Hosts": ["10.0.0.5 db", "::1 six"],
            f"{CONTAINER}.User": "1000:1000",
            f"{CONTAINER}.Init": True,
            f"{CONTAINER}.CapabilityAdd": ["CAP_NET_ADMIN"],
            f"{CONTAINER}.Ulimits": [
                {"Name": "nofile", "Soft": 1000, "Hard": 2000},
                {"Name": "nproc", "Soft": 50, "Hard": 50},
            ],
            f"{CONTAINER}.Sysctls": {"net.core.somaxconn": "1024"},
            f"{CONTAINER}.ReadOnly": True,
            f"{CONTAINER}.Hostname": "{{.Node.Hostname}}",
            "TaskTemplate.LogDriver": {"Name": "json-file", "Options": {"max-size": "10m"}},
            "TaskTemplate.Placement.Constraints": ["node.platform.os==linux", "node.platform.arch==aarch64"],
        },
    ),
]


@pytest.mark.parametrize(
    ("name", "service", "fields"), FIELDS, ids=[f"{name}-{service}" for name, service, _ in FIELDS]
)
def test_a_service_is_what_its_file_says(
    objects: Mapping[str, StackObjects], name: str, service: str, fields: Mapping[str, Any]
) -> None:
    body = named(objects[name].services, f"{name}_{service}")
    assert {path: dig(body, path) for path in fields} == fields


def test_networks_are_what_their_file_says(objects: Mapping[str, StackObjects]) -> None:
    made = objects["networks"]
    assert [body["Name"] for body in made.networks] == ["networks_back", "networks_front"]
    back, front = made.networks
    assert (back["Driver"], back["Internal"], back["IPAM"]["Config"]) == ("overlay", True, [{"Subnet": "10.77.0.0/24"}])
    assert back["Labels"] == {"com.docker.stack.namespace": "networks", "tier": "back"}
    assert (front["Attachable"], front["Options"]) == (True, {"encrypted": "true"})


@pytest.mark.parametrize(
    ("name", "external"),
    [
        ("networks", (("network", "company_shared"),)),
        ("storage", (("volume", "company_archive"),)),
        ("contents", (("secret", "company_license"),)),
        ("swarmtest", ()),
    ],
)
def test_external_objects_are_requirements(
    objects: Mapping[str, StackObjects], name: str, external: tuple[tuple[str, str], ...]
) -> None:
    assert objects[name].external == external


def test_depends_on_in_both_forms_becomes_the_order(objects: Mapping[str, StackObjects]) -> None:
    assert objects["swarmtest"].order == (Dependency("swarmtest_web", "swarmtest_redis"),)
    assert objects["include"].order == (Dependency("include_app", "include_db", "healthy"),)


def test_only_services_of_active_profiles_are_there(objects: Mapping[str, StackObjects]) -> None:
    assert [body["Name"] for body in objects["profiles"].services] == ["profiles_metrics", "profiles_site"]


def test_contents_are_in_the_bodies_under_names_of_their_hash(objects: Mapping[str, StackObjects]) -> None:
    # Those of configs are `printf ... | sha256sum | cut -c1-12` of the contents below, those of secrets
    # `openssl kdf -keylen 64 -kdfopt pass:... -kdfopt 'salt:deployer contents_key' -kdfopt n:4096 -kdfopt r:8 -kdfopt p:1 SCRYPT`.
    made = objects["contents"]
    configs = {body["Name"]: base64.b64decode(body["Data"]) for body in made.configs}
    assert configs == {
        "contents_motd-57b2d4c36136": b"$5 for lunch\n",
        "contents_site-b9148fc6dfef": b"server { listen 80; }\n",
    }
    secrets = {body["Name"]: body["Data"] for body in made.secrets}
    assert set(secrets) == {"contents_key-36001b4523ee", "contents_token-506c420e1d15"}
    assert all(isinstance(data, Secret) for data in secrets.values())
    assert base64.b64decode(secrets["contents_token-506c420e1d15"].reveal()) == b"canary-from-dotenv"
    assert base64.b64decode(secrets["contents_key-36001b4523ee"].reveal()) == b"canary-from-file\n"


def test_a_service_refers_to_contents_by_name_and_never_by_the_recorders_id(
    objects: Mapping[str, StackObjects],
) -> None:
    container = dig(named(objects["contents"].services, "contents_proxy"), CONTAINER)
    site, motd = sorted(container["Configs"], key=lambda one: one["ConfigName"], reverse=True)
    assert site == {
        "File": {"Name": "/etc/nginx/conf.d/default.conf", "UID": "0", "GID": "0", "Mode": 0o440},
        "ConfigName": "contents_site-b9148fc6dfef",
    }
    assert motd["ConfigName"] == "contents_motd-57b2d4c36136"
    by_name = {one["SecretName"]: one for one in container["Secrets"]}
    assert set(by_name) == {"company_license", "contents_key-36001b4523ee", "contents_token-506c420e1d15"}
    key = by_name["contents_key-36001b4523ee"]["File"]
    assert (key["Name"].removeprefix("/run/secrets/"), key["UID"], key["Mode"]) == ("tls.key", "101", 0o400)
    assert "SecretID" not in str(container)
    assert "ConfigID" not in str(container)


def test_what_swarm_ignores_is_a_warning_at_its_line(compiled: Compiled) -> None:
    told = {
        (problem.line, problem.column): problem.message for problem in compiled.warnings if "ignored/" in problem.path
    }
    assert {place: message.split("'")[1] for place, message in told.items() if "'" in message} == {
        (1, 1): "something-else",
        (5, 5): "pull_policy",
        (6, 5): "container_name",
        (7, 5): "privileged",
        (8, 5): "links",
        (9, 5): "devices",
        (25, 9): "bridge",
    }


def test_a_published_address_is_a_warning_at_its_item(compiled: Compiled) -> None:
    told = [problem for problem in compiled.warnings if "ports/" in problem.path]
    assert [(problem.line, problem.column) for problem in told] == [(6, 33)]
    assert "127.0.0.1" in told[0].message


def test_ordinary_files_give_no_other_warnings(compiled: Compiled) -> None:
    assert {problem.path for problem in compiled.warnings} == {
        "stacks/ignored/compose.yaml",
        "stacks/ports/compose.yaml",
    }
