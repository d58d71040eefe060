"""Names in paths: what stands in one, what stands in none."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.model.path import BadPathError, Paths, is_quoted, segment

PATHS = Paths("/v1/agent/service/deregister/*", "/v1/agent/services", "/v1/kv/**")


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("web_api", "web_api"),
        ("slave:web:80", "slave%3Aweb%3A80"),
        ("a/b", "a%2Fb"),
        ("a b?c#d%", "a%20b%3Fc%23d%25"),
        ("...", "..."),
        ("..x", "..x"),
        ("%2e%2e", "%252e%252e"),
        ("é\n", "%C3%A9%0A"),
    ],
)
def test_a_name_is_one_segment(text: str, quoted: str) -> None:
    assert segment(text) == quoted
    assert is_quoted(f"/{quoted}")


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "/", "a/", "/a", "a//b", "../../leave", "../../../v1/agent/leave", "a/../b", "a/./b", "\udc80", "x" * 2049],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_none(text: str) -> None:
    with pytest.raises(BadPathError):
        segment(text)


@given(st.text())
def test_whatever_the_name_its_segment_means_it_and_stays_where_it_is(text: str) -> None:
    try:
        quoted = segment(text)
    except BadPathError:
        return
    assert unquote(quoted) == text
    assert not set(quoted) & set("/?#\\ ")
    assert not {"", ".", ".."} & set(unquote(quoted).split("/")), "a router that decodes first leaves it alone too"


@pytest.mark.parametrize(
    "path", ["/v1/agent/services", "/v1/agent/service/deregister/a%2Fb", "/v1/kv/deployer/test/lock"]
)
def test_paths_that_are_asked_for(path: str) -> None:
    assert PATHS.checked(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "/v1/agent/leave",
        "/v1/agent/service/deregister/../../leave",
        "/v1/agent/service/deregister/a/b",
        "/v1/agent/service/deregister/",
        "/v1/agent/service/deregister/..",
        "/v1/agent/service/deregister/%2E%2E",
        "/v1/agent/service/deregister/..%2F..%2Fleave",
        "/v1/agent/service/deregister/a%2fb",
        "/v1/agent/service/deregister/%FF",
        "/v1/agent/service/deregister/a b",
        "/v1/agent/service/deregister/a?x",
        "/v1/kv/",
        "/v1/kv/a//b",
        "/v1/kv/a/../b",
        "v1/agent/services",
        "",
    ],
)
def test_paths_that_are_not(path: str) -> None:
    with pytest.raises(BadPathError):
        PATHS.checked(path)
