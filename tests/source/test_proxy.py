from __future__ import annotations

import pytest

from tests.source.conftest import CLUSTER
from tests.source.reading import read, said


def test_the_proxy_is_a_service_of_a_stack() -> None:
    found = read({"cluster/cluster.yaml": CLUSTER + "proxy: {stack: web, service: web}\n"}).cluster.proxy
    assert found is not None
    assert found.name == "web_web"


@pytest.mark.parametrize(
    ("proxy", "problem"),
    [
        ("{stack: wbe, service: web}", "cluster/cluster.yaml:2:16: there is no stack 'wbe'"),
        ("{stack: web, service: nginx}", "cluster/cluster.yaml:2:30: stack web has no service 'nginx'"),
    ],
)
def test_what_it_names_is_there(proxy: str, problem: str) -> None:
    assert said({"cluster/cluster.yaml": CLUSTER + f"proxy: {proxy}\n"}) == [problem]


def test_an_included_file_may_have_it() -> None:
    stack = {"stacks/web/compose.yaml": "include: [more.yaml]\nservices: {a: {image: a}}\n", "stacks/web/more.yaml": ""}
    assert read({"cluster/cluster.yaml": CLUSTER + "proxy: {stack: web, service: nginx}\n", **stack}).cluster.proxy
