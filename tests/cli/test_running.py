"""`deployer ps` and `deployer logs`: arguments in, one call, rendering out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deployer.errors import UnreachableError
from deployer.model.running import LogQuery, LogRecord, Row, Running
from tests.cli.conftest import replace_functions

if TYPE_CHECKING:
    from collections.abc import Callable

RECORD = LogRecord("2026-01-01T00:00:00Z", "slave", "shop_web.1", "hello")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []

    async def ps(_: Any, stack: str = "", *, everything: bool = False) -> Running:
        found.append((stack, everything))
        if stack == "none":
            raise UnreachableError("no machine can be asked: m1: refused")
        return Running("sandbox", (Row("slave", "shop_web.1", "abc"),), (("m2", "refused"),))

    async def logs(_: Any, query: LogQuery, tell: Callable[[LogRecord], None]) -> list[str]:
        found.append(query)
        tell(RECORD)
        return ["shop_db: no answer"] if query.service else []

    replace_functions(monkeypatch, "deployer.workflow.running", {"ps": ps, "logs": logs})
    return found


def test_ps(cli: Any, asked: list[Any]) -> None:
    code, out, err = cli("ps", "shop", "--all")
    assert (code, err) == (0, "")
    assert "slave/shop_web.1" in out
    assert "! m2: refused" in out
    assert asked == [("shop", True)]
    assert json.loads(cli("ps", "--json").out)["silent"] == [{"machine": "m2", "reason": "refused"}]


def test_ps_of_machines_none_of_which_answers(cli: Any, asked: list[Any]) -> None:
    code, out, err = cli("ps", "none")
    assert (code, out) == (6, "")
    assert "no machine can be asked: m1: refused" in err


def test_logs(cli: Any, asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 10_000.0)
    assert cli("logs", "shop", "--tail", "5", "--since", "10m", "--timestamps") == (
        0, "slave/shop_web.1 | 2026-01-01T00:00:00Z hello\n", "",
    )  # fmt: skip
    assert asked == [LogQuery("shop", "", tail=5, since=9400.0)]
    assert json.loads(cli("logs", "shop", "--json", "--follow").out)["text"] == "hello"


def test_logs_of_which_a_part_is_missing(cli: Any, asked: list[Any]) -> None:
    code, out, err = cli("logs", "shop/web")
    assert (code, out, err) == (1, "slave/shop_web.1 | hello\n", "warning: shop_db: no answer\n")
    assert asked == [LogQuery("shop", "web")]
    assert cli("logs").code == 2
