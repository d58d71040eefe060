"""The quick look against the thorough one: it may miss what is the same, and never what differs."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.diff.body import normalise_service
from deployer.diff.plain import plainly_same
from tests.diff.bodies import RECORDED

PAIRS: list[dict[str, Any]] = [RECORDED["services"][name] for name in sorted(RECORDED["services"])]
NETWORKS: dict[str, str] = RECORDED["networks"]
VALUES: tuple[Any, ...] = (
    None, "", 0, 1, 5, False, True, {}, [], "x", ["x"], {"x": "y"}, {"x": ""}, "vip", "dnsrr", "any", "none", "pause", "stop-first",
    "start-first", "container", "default", {"Replicas": 1}, {"Replicas": 0}, {"Replicated": {}}, {"Global": {}}, {"Condition": "any"},
    {"Mode": "vip"}, {"Order": "stop-first"}, [{"Target": "x"}], [{"Protocol": "tcp"}],
)  # fmt: skip
KEYS: tuple[str, ...] = (
    "Mode", "Replicated", "Replicas", "Labels", "UpdateConfig", "RollbackConfig", "Order", "FailureAction", "Parallelism",
    "EndpointSpec", "Ports", "RestartPolicy", "Condition", "Delay", "Env", "Init", "StopGracePeriod", "Isolation", "Runtime", "Networks",
    "Configs", "Secrets", "Placement", "ForceUpdate", "deployer.commit", "x",
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Of every mapping and list inside."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [at] if isinstance(value, dict | list) else []
    return found + [place for key, one in below for place in places(one, (*at, key))]


def inside(value: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        value = value[key]
    return value


@st.composite
def changed(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A recorded pair, or one body twice, with up to three values of either set or taken away."""
    pair = draw(st.sampled_from(PAIRS))
    live = copy.deepcopy(pair["live"])
    wanted = copy.deepcopy(draw(st.sampled_from((pair["sent"], pair["live"]))))
    for _ in range(draw(st.integers(0, 3))):
        body = draw(st.sampled_from((live, wanted)))
        section = inside(body, draw(st.sampled_from(places(body))))
        if isinstance(section, list):
            section[:] = copy.deepcopy(draw(st.sampled_from((section[::-1], section[1:], section + section[:1]))))
            continue
        key = draw(st.sampled_from(sorted({*section, *KEYS})))
        if draw(st.booleans()):
            section.pop(key, None)
        else:
            section[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    return live, wanted


def thorough(live: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return normalise_service(live, NETWORKS) == normalise_service(wanted, NETWORKS)


@settings(max_examples=300)
@given(changed())
def test_what_it_calls_the_same_is_the_same(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    live, wanted = pair
    try:
        same = thorough(live, wanted)
    except (AttributeError, KeyError, TypeError, ValueError):
        return  # no engine says that, and no compiler
    try:
        quick = plainly_same(live, wanted, NETWORKS)
    except (AttributeError, KeyError, TypeError):
        return
    assert same or not quick


THOROUGH = {"m_hostn", "m_job", "m_ports2"}
"""What is the same only by its predefined network, its job's count, its ports' defaults: few have those, and they are looked at in full."""


@pytest.mark.parametrize("name", sorted(set(RECORDED["services"]) - THOROUGH))
def test_it_suffices_for_what_engines_say(name: str) -> None:
    pair = RECORDED["services"][name]
    assert plainly_same(pair["live"], pair["sent"], NETWORKS)
