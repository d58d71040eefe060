"""A service's definition: what is read of it, what is made of it, and that nothing else of it changes."""

from typing import Any, Final

import pytest

from deployer.model.spec import ServiceSpec

FULL: Final[dict[str, Any]] = {
    "Name": "web_api",
    "Labels": {"tier": "front"},
    "TaskTemplate": {
        "ContainerSpec": {
            "Image": "app:1",
            "Env": ["A=1"],
            "Labels": {"inner": "x"},
            "Mounts": [{"Type": "volume", "Source": "data", "Target": "/data"}],
            "Configs": [{"ConfigName": "c-1"}],
            "Secrets": [{"SecretName": "s-1"}],
            "Healthcheck": {"Test": ["CMD", "true"]},
        },
        "Networks": [{"Target": "web_default", "Aliases": ["api"]}],
        "Placement": {"Constraints": ["node.role==worker"], "MaxReplicas": 2},
        "RestartPolicy": {"Condition": "any"},
        "ForceUpdate": 3,
    },
    "Mode": {"Replicated": {"Replicas": 4}},
    "UpdateConfig": {"Parallelism": 2},
    "EndpointSpec": {"Ports": [{"PublishedPort": 80, "TargetPort": 8080}, {"TargetPort": 9090}]},
    "Unknown": {"to": "us"},
}


def test_what_it_says() -> None:
    spec = ServiceSpec(FULL)
    assert (spec.name, spec.image, spec.mode, spec.count) == ("web_api", "app:1", "Replicated", 4)
    assert (spec.service_labels, spec.labels, spec.env) == ({"tier": "front"}, {"inner": "x"}, ["A=1"])
    assert (spec.networks, spec.published) == (["web_default"], ((80, "tcp", "ingress"),))
    assert [mount["Source"] for mount in spec.mounts] == ["data"]
    assert (spec.configs, spec.secrets) == ([{"ConfigName": "c-1"}], [{"SecretName": "s-1"}])
    assert (spec.constraints, spec.most_on_a_machine) == (["node.role==worker"], 2)
    assert (spec.restart, spec.update, spec.forced) == ({"Condition": "any"}, {"Parallelism": 2}, 3)
    assert spec.healthcheck == {"Test": ["CMD", "true"]}


@pytest.mark.parametrize("raw", [{}, {"TaskTemplate": None}, {"TaskTemplate": {"ContainerSpec": None}, "Mode": None}])
def test_what_is_not_there_reads_as_empty(raw: dict[str, Any]) -> None:
    spec = ServiceSpec(raw)
    assert (spec.image, spec.mode, spec.count, spec.update) == ("", "Replicated", 1, None)
    parts = (spec.networks, spec.mounts, spec.ports, spec.env, spec.constraints, spec.configs, spec.secrets)
    assert not any(parts)
    assert not any((spec.service_labels, spec.labels, spec.restart, spec.finite))


@pytest.mark.parametrize(
    ("mode", "count", "finite"),
    [
        ({"Replicated": {"Replicas": 0}}, 0, False),
        ({"Replicated": {}}, 1, False),
        ({"Global": {}}, None, False),
        ({"ReplicatedJob": {"MaxConcurrent": 2, "TotalCompletions": 5}}, 2, True),
        ({"ReplicatedJob": {}}, 1, True),
        ({"GlobalJob": {}}, None, True),
    ],
)
def test_modes(mode: dict[str, Any], count: int | None, finite: bool) -> None:  # noqa: FBT001 - a column of the table
    spec = ServiceSpec({"Mode": mode})
    assert (spec.mode, spec.count, spec.finite, spec.job) == (next(iter(mode)), count, finite, finite)


def test_one_that_ends_well_is_finite() -> None:
    assert ServiceSpec({"TaskTemplate": {"RestartPolicy": {"Condition": "on-failure"}}}).finite


def test_another_spec_differs_in_what_was_asked_and_nowhere_else() -> None:
    spec = ServiceSpec(FULL)
    anew = spec.with_image("app:2").with_count(1).with_labels({"a": "b"})
    assert (anew.image, anew.count, anew.service_labels) == ("app:2", 1, {"a": "b"})
    back = anew.with_image("app:1").with_count(4).with_labels({"tier": "front"})
    assert back.raw == FULL
    assert list(back.raw) == list(FULL)
    assert spec.raw is FULL
    assert FULL["TaskTemplate"]["ContainerSpec"]["Image"] == "app:1"
