from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from deployer.errors import UnreachableError
from deployer.lock.holder import Holder
from deployer.model.services import Instance, Services

HOLDER = Holder("9d3711bb", "ann@a", "42", "1a2b3c4d5e", "2026-08-22T14:15:03+00:00", "20260822-141503-7f3a")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def locked(workflow: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A cluster whose lock ann holds; what `unlock` was asked for."""
    taken: list[tuple[str, str]] = []

    async def unlock(_: Any, lock: str, reason: str) -> tuple[str, Holder]:
        taken.append((lock, reason))
        return "sandbox", HOLDER

    async def locked_by(_: Any) -> tuple[str, Holder]:
        return "sandbox", HOLDER

    monkeypatch.setattr("deployer.workflow.consul.locked_by", locked_by)
    monkeypatch.setattr("deployer.workflow.consul.unlock", unlock)
    return taken


def test_with_id_and_reason_nothing_is_asked(cli: Any, locked: list[Any]) -> None:
    code, out, err = cli("unlock", "9d3711bb", "--reason", "the runner is gone")
    assert (code, err, locked) == (0, "", [("9d3711bb", "the runner is gone")])
    assert out.endswith("is taken away: cluster sandbox is free.\n")


def test_a_reason_is_needed_where_nobody_is_asked(cli: Any, locked: list[Any]) -> None:
    code, _, err = cli("unlock", "9d3711bb")
    assert (code, locked) == (2, [])
    assert "a reason is needed" in err


@pytest.mark.parametrize("flags", [[], ["--json"], ["--reason", "because"]])
def test_without_a_terminal_the_lock_has_to_be_named(
    cli: Any, locked: list[Any], monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("sandbox\n"))
    code, out, err = cli("unlock", *flags)
    assert (code, locked) == (2, [])
    assert "ann@a" in out + err
    assert (
        "deployer unlock 9d3711bb --reason" in json.loads(out)["diagnostics"][0]["detail"]
        if flags == ["--json"]
        else err
    )


def test_a_terminal_is_asked_for_the_clusters_name(
    cli: Any, locked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("sandbox\n"))
    code, out, err = cli("unlock", "--reason", "hangs")
    assert (code, locked) == (0, [("9d3711bb", "hangs")])
    assert "Cluster sandbox is locked by ann@a (process 42" in err
    assert "is taken away" in out


@pytest.mark.parametrize(("typed", "code"), [("yes\n", 5), ("", 130)])
def test_anything_else_leaves_the_lock(
    cli: Any, locked: list[Any], monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert cli("unlock").code == code
    assert locked == []


def test_nobody_holds_it(cli: Any, locked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(*_: Any) -> tuple[str, None]:
        return "sandbox", None

    monkeypatch.setattr("deployer.workflow.consul.locked_by", nobody)
    monkeypatch.setattr("deployer.workflow.consul.unlock", nobody)
    assert cli("unlock") == (0, "Cluster sandbox is not locked.\n", "")
    assert json.loads(cli("unlock", "--json").out)["lock"] is None


@pytest.fixture
def catalogue(workflow: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    asked: list[Any] = []

    async def services(_: Any, say: Any, names: tuple[str, ...]) -> Services:
        asked.append(names)
        say("asking Consul")
        return Services("sandbox", (Instance("web", "id", "10.0.0.1", 80, "m1", "m1"),))

    monkeypatch.setattr("deployer.workflow.consul.services", services)
    return asked


def test_services_is_a_result_and_progress_is_not(cli: Any, catalogue: list[Any]) -> None:
    code, out, err = cli("services", "web", "db")
    assert (code, err, catalogue) == (0, "asking Consul\n", [("web", "db")])
    assert out.splitlines()[1].split() == ["web", "1/1", "10.0.0.1:80", "m1", "passing", "-"]


def test_services_as_json(cli: Any, catalogue: list[Any]) -> None:
    assert json.loads(cli("services", "--json").out)["instances"][0]["service"] == "web"
    assert catalogue == [()]


def test_services_of_a_consul_that_cannot_be_asked(
    cli: Any, catalogue: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise UnreachableError("Consul cannot be asked: m1: no answer")

    monkeypatch.setattr("deployer.workflow.consul.services", fail)
    code, out, err = cli("services")
    assert (code, out) == (6, "")
    assert "Consul cannot be asked: m1: no answer" in err
