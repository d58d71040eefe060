"""The dialect: what compose prints in, what stacks accept out, literals on both sides; no tool is run."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.compose.dialect import translate
from deployer.model.stack import Dependency

APP = {"image": "app:1"}


def service(**given: Any) -> tuple[dict[str, Any], list[tuple[str, tuple[str | int, ...]]]]:
    """The service in the dialect, and (severity, place) of what is said about it."""
    done = translate({"services": {"web": {**APP, **given}}}, "shop", {}, {}, "/empty")
    return done.model["services"]["web"], [(note.severity, note.at[2:]) for note in done.notes]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"command": None, "entrypoint": None}, APP),
        ({"command": []}, APP | {"command": []}),
        ({"scale": 3}, APP | {"deploy": {"replicas": 3}}),
        ({"scale": 0}, APP | {"deploy": {"replicas": 0}}),
        ({"scale": 3, "deploy": {"replicas": 3}}, APP | {"deploy": {"replicas": 3}}),
        ({"deploy": {"placement": {}, "x-mine": 1}}, APP | {"deploy": {"placement": {}}}),
        ({"profiles": ["a"], "depends_on": {"db": {}}, "expose": ["80"], "x-own": {}}, APP),
        ({"cpus": 0.5}, APP | {"deploy": {"resources": {"limits": {"cpus": "0.5"}}}}),
        ({"mem_limit": "1024"}, APP | {"deploy": {"resources": {"limits": {"memory": "1024"}}}}),
        ({"mem_reservation": "99"}, APP | {"deploy": {"resources": {"reservations": {"memory": "99"}}}}),
        ({"pids_limit": 7}, APP | {"deploy": {"resources": {"limits": {"pids": 7}}}}),
        ({"pids_limit": -1, "cpus": 0, "mem_limit": "0"}, APP),
        (
            {"cpus": 2, "deploy": {"resources": {"limits": {"cpus": 2, "memory": 512}}}},
            APP | {"deploy": {"resources": {"limits": {"cpus": "2", "memory": "512"}}}},
        ),
        ({"restart": "always"}, APP | {"deploy": {"restart_policy": {"condition": "any"}}}),
        ({"restart": "unless-stopped"}, APP | {"deploy": {"restart_policy": {"condition": "any"}}}),
        ({"restart": "no"}, APP | {"deploy": {"restart_policy": {"condition": "none"}}}),
        (
            {"restart": "always", "deploy": {"restart_policy": {"condition": "none"}}},
            APP | {"deploy": {"restart_policy": {"condition": "none"}}},
        ),
        ({"extra_hosts": ["a=1.2.3.4", "b:::1"]}, APP | {"extra_hosts": ["a:1.2.3.4", "b:::1"]}),
        ({"configs": [{"source": "c", "mode": "0440"}]}, APP | {"configs": [{"source": "c", "mode": 0o440}]}),
        ({"secrets": [{"source": "c", "mode": 256}]}, APP | {"secrets": [{"source": "c", "mode": 256}]}),
        ({"network_mode": "host"}, APP | {"networks": {"host": {}}}),
        ({"network_mode": "bridge"}, APP),
        ({"networks": {"a": None, "b": {"aliases": ["x"]}}}, APP | {"networks": {"a": {}, "b": {"aliases": ["x"]}}}),
        (
            {"ports": [{"target": 80, "published": "8080", "protocol": "tcp", "mode": "ingress", "name": "w"}]},
            APP | {"ports": [{"target": 80, "published": 8080, "protocol": "tcp", "mode": "ingress"}]},
        ),
        ({"ports": [{"target": 80, "host_ip": "0.0.0.0"}]}, APP | {"ports": [{"target": 80}]}),
        (
            {"volumes": [{"type": "bind", "source": "/a", "target": "/b", "bind": {"create_host_path": True}}]},
            APP | {"volumes": [{"type": "bind", "source": "/a", "target": "/b"}]},
        ),
        (
            {"volumes": [{"type": "tmpfs", "target": "/b", "tmpfs": {"size": "1024"}}]},
            APP | {"volumes": [{"type": "tmpfs", "target": "/b", "tmpfs": {"size": 1024}}]},
        ),
        (
            {"tmpfs": ["/run:size=2k"]},
            APP | {"volumes": [{"type": "tmpfs", "target": "/run", "tmpfs": {"size": 2048}}]},
        ),
        ({"privileged": False, "devices": [], "domainname": ""}, APP),
    ],
    ids=lambda value: str(value)[:50] if "image" not in str(value) else "",
)
def test_what_a_stack_can_say_is_said_without_a_warning(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert service(**given) == (expected, [])


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"privileged": True}, ("privileged",)),
        ({"container_name": "x"}, ("container_name",)),
        ({"pid": "host"}, ("pid",)),
        ({"network_mode": "service:db"}, ("network_mode",)),
        ({"group_add": ["1"]}, ("group_add",)),
        ({"invented_tomorrow": 1}, ("invented_tomorrow",)),
        ({"environment": {"TOKEN": None}}, ("environment", "TOKEN")),
        ({"ports": [{"target": 1}, {"target": 80, "host_ip": "127.0.0.1"}]}, ("ports", 1)),
        (
            {"deploy": {"resources": {"reservations": {"devices": [{}]}}}},
            ("deploy", "resources", "reservations", "devices"),
        ),
        ({"extra_hosts": ["a=host-gateway"]}, ("extra_hosts", 0)),
        ({"platform": "linux/s390x"}, ("platform",)),
        ({"networks": {"a": {"ipv4_address": "10.0.0.2"}}}, ("networks", "a", "ipv4_address")),
        ({"tmpfs": ["/run:mode=755"]}, ("tmpfs", 0)),
        ({"volumes": [{"type": "bind", "source": "/a", "bind": {"selinux": "z"}}]}, ("volumes", 0, "bind", "selinux")),
    ],
    ids=str,
)
def test_what_swarm_ignores_is_a_warning_at_its_place(given: dict[str, Any], place: tuple[str | int, ...]) -> None:
    assert service(**given)[1] == [("warning", place)]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"image": "Upper/Case"}, ("image",)),
        ({"image": "a:"}, ("image",)),
        ({"image": ""}, ()),
        ({"image": None, "provider": {"type": "x"}}, ("provider",)),
        ({"deploy": {"replicas": -1}}, ("deploy", "replicas")),
        ({"ports": [{"target": 80, "published": "8000-8010"}]}, ("ports", 0)),
        ({"ports": [{"target": 80, "mode": "ingress"}], "deploy": {"endpoint_mode": "dnsrr"}}, ("ports", 0)),
        ({"volumes": [{"type": "bind", "source": "./x.conf", "target": "/x"}]}, ("volumes", 0)),
        ({"volumes_from": ["db"]}, ("volumes_from",)),
    ],
    ids=str,
)
def test_what_cannot_run_is_an_error_at_its_place(given: dict[str, Any], place: tuple[str | int, ...]) -> None:
    assert service(**given)[1] == [("error", place)]


@pytest.mark.parametrize(
    "image", ["redis", "a/b:1", "localhost:5000/x/y_z:v1.2-rc", "a@sha256:" + "0" * 64, "[::1]:5000/a"]
)
def test_names_of_images_are_those_of_the_reference_grammar(image: str) -> None:
    assert service(image=image)[1] == []


@pytest.mark.parametrize(("name", "length"), [("a" * 58, 0), ("a" * 59, 1), ("a.b", 1)])
def test_a_full_name_is_one_that_swarm_takes(name: str, length: int) -> None:
    done = translate({"services": {name: APP}}, "shop", {}, {}, "/empty")
    assert len(done.notes) == length
    assert all((note.severity, note.at) == ("error", ("services", name)) for note in done.notes)


def test_a_stack_without_services_is_an_error() -> None:
    done = translate({"services": {}}, "shop", {}, {}, "/empty")
    assert [(note.severity, note.at) for note in done.notes] == [("error", ("services",))]


def test_networks_lose_what_is_of_one_machine() -> None:
    network = {
        "name": "shop_a",
        "driver": "bridge",
        "ipam": {"config": [{"subnet": "10.0.0.0/24", "gateway": "10.0.0.1"}]},
        "enable_ipv6": True,
    }
    done = translate(
        {"services": {"web": APP}, "networks": {"a": network, "b": {"name": "shop_b", "ipam": {}}}}, "shop", {}, {}, ""
    )
    assert done.model["networks"] == {
        "a": {"name": "shop_a", "ipam": {"config": [{"subnet": "10.0.0.0/24"}]}},
        "b": {"name": "shop_b"},
    }
    assert {(note.severity, note.at[2:]) for note in done.notes} == {
        ("warning", ("driver",)),
        ("warning", ("ipam", "config", 0, "gateway")),
        ("warning", ("enable_ipv6",)),
    }


def test_contents_get_names_by_their_bytes_and_a_placeholder() -> None:
    config = {
        "services": {"web": APP},
        "configs": {"a": {"name": "shop_a", "file": "./conf/a"}, "b": {"name": "shop_b", "content": "$5"}},
        "secrets": {"c": {"name": "shop_c", "environment": "TOKEN"}, "d": {"name": "company", "external": True}},
    }
    done = translate(config, "shop", {"conf/a": b"hello"}, {"TOKEN": "t"}, "/empty")
    assert done.notes == ()
    # printf hello | sha256sum, and so on; the secret's: openssl kdf ... SCRYPT, see test_examples.py
    assert {content.name: (content.kind, content.data, content.file) for content in done.contents} == {
        "shop_a-2cf24dba5fb0": ("configs", b"hello", "conf/a"),
        "shop_b-4879e9c95387": ("configs", b"$5", None),
        "shop_c-829728598add": ("secrets", b"t", None),
    }
    assert done.model["configs"]["a"] == {"name": "shop_a-2cf24dba5fb0", "file": "/empty"}
    assert done.model["secrets"]["d"] == {"name": "company", "external": True}
    assert done.external == (("secret", "company"),)


@pytest.mark.parametrize(
    ("kind", "size", "severity"),
    [
        ("configs", 1000 * 1024 - 1, []),
        ("configs", 1000 * 1024, ["error"]),
        ("secrets", 500 * 1024, ["error"]),
        ("secrets", 0, ["error"]),
    ],
)
def test_contents_have_the_size_that_swarm_takes(kind: str, size: int, severity: list[str]) -> None:
    config = {"services": {"web": APP}, kind: {"a": {"name": "shop_a", "file": "./a"}}}
    done = translate(config, "shop", {"a": b"x" * size}, {}, "/empty")
    assert [note.severity for note in done.notes] == severity


def test_a_content_without_a_value_is_an_error() -> None:
    done = translate(
        {"services": {"web": APP}, "secrets": {"a": {"name": "shop_a", "environment": "T"}}}, "shop", {}, {"T": ""}, ""
    )
    assert [(note.severity, note.at) for note in done.notes] == [("error", ("secrets", "a", "environment"))]


def test_an_older_cli_gets_no_more_than_it_knows() -> None:
    given = {**APP, "oom_score_adj": 5, "networks": {"a": {"driver_opts": {"x": "1"}, "aliases": ["y"]}}}
    new = translate({"services": {"web": given}}, "shop", {}, {}, "")
    old = translate({"services": {"web": given}}, "shop", {}, {}, "", plain=True)
    assert (new.model["services"]["web"], new.notes) == (given, ())
    assert old.model["services"]["web"] == {**APP, "networks": {"a": {"aliases": ["y"]}}}
    assert [note.at[2:] for note in old.notes] == [("networks", "a", "driver_opts"), ("oom_score_adj",)]


def test_order_names_services_by_their_full_names_and_only_those_that_are_there() -> None:
    config = {
        "services": {
            "a": {**APP, "depends_on": {"b": {}, "gone": {"required": False}}},
            "b": {**APP, "depends_on": ["c"]},
            "c": APP,
        }
    }
    assert translate(config, "shop", {}, {}, "").order == (
        Dependency("shop_a", "shop_b"),
        Dependency("shop_b", "shop_c"),
    )


def test_conditions_of_depends_on_are_kept() -> None:
    wants = {
        "db": {"condition": "service_healthy", "required": False},
        "job": {"condition": "service_completed_successfully"},
        "x": {"condition": "service_started"},
    }
    config = {"services": {"web": {**APP, "depends_on": wants}, "db": APP, "job": APP, "x": APP}}
    done = translate(config, "shop", {}, {}, "")
    assert done.order == (
        Dependency("shop_web", "shop_db", "healthy", required=False),
        Dependency("shop_web", "shop_job", "completed"),
        Dependency("shop_web", "shop_x"),
    )
    assert done.model["services"]["job"]["deploy"] == {"restart_policy": {"condition": "none"}}
    assert "deploy" not in done.model["services"]["db"]


@pytest.mark.parametrize(
    ("job", "deploy", "severity"),
    [
        ({"restart": "on-failure:3"}, {"restart_policy": {"condition": "on-failure", "max_attempts": 3}}, []),
        ({"deploy": {"mode": "replicated-job"}}, {"mode": "replicated-job"}, []),
        ({"deploy": {"replicas": 1}}, {"replicas": 1, "restart_policy": {"condition": "none"}}, []),
        ({"restart": "always"}, {"restart_policy": {"condition": "any"}}, ["error"]),
    ],
)
def test_what_is_to_complete_is_not_restarted_for_ever(
    job: dict[str, Any], deploy: dict[str, Any], severity: list[str]
) -> None:
    wants = {"job": {"condition": "service_completed_successfully"}}
    config = {"services": {"web": {**APP, "depends_on": wants}, "job": {**APP, **job}}}
    done = translate(config, "shop", {}, {}, "")
    assert done.model["services"]["job"]["deploy"] == deploy
    assert [note.severity for note in done.notes if note.at == ("services", "web", "depends_on")] == severity
