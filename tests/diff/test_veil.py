"""Values of encrypted files in a difference: named, never shown, on neither side."""

from __future__ import annotations

from typing import Any

from deployer.diff.drift import Rules
from deployer.diff.seen import seen_of
from deployer.diff.stacks import ServiceDiffers, diff_service, stamp
from deployer.model.field import ABSENT
from deployer.model.observed import LiveService, Swarm
from deployer.model.secret import Secret, revealed


def body(env: list[Any], args: list[Any]) -> dict[str, Any]:
    spec = {"Image": "app:1", "Env": env, "Args": args}
    return stamp({"Name": "web_app", "TaskTemplate": {"ContainerSpec": spec}}, "test", "web")


def difference(old: dict[str, Any], new: dict[str, Any]) -> ServiceDiffers | None:
    live = LiveService("id", 1, revealed(old), 1, 1)
    seen = seen_of(Swarm("m", "c", (), (live,), ()))
    found = diff_service("test", "c0", "web", new, seen, Rules())
    assert found.blocked == ()
    assert all(isinstance(change, ServiceDiffers) for change in found.changes)
    return found.changes[0] if found.changes else None  # type: ignore[return-value]  # see the line above


def test_what_runs_with_the_same_values_differs_in_nothing() -> None:
    one = body([Secret("B=canary"), "A=1"], ["--dsn", Secret("canary")])
    assert difference(one, one) is None


def test_a_changed_value_is_named_and_masked_on_both_sides() -> None:
    old = body([Secret("B=canary-old"), "A=1"], [Secret("canary-old")])
    new = body([Secret("B=canary-new"), "A=2"], [Secret("canary-new")])
    found = difference(old, new)
    assert found is not None
    assert "canary" not in repr(found.fields)
    told = {field.path.removeprefix("TaskTemplate.ContainerSpec."): (field.old, field.new) for field in found.fields}
    assert told == {"Env.A": ("1", "2"), "Env.B": ("[secret]", "[secret]"), "Args": ("[secret]", "[secret]")}


def test_a_value_that_is_no_longer_there_is_masked_by_the_label_of_what_runs() -> None:
    found = difference(body([Secret("B=canary-old"), "A=1"], []), body(["A=1"], []))
    assert found is not None
    told = {field.path: (field.old, field.new) for field in found.fields}
    assert told["TaskTemplate.ContainerSpec.Env.B"] == ("[secret]", ABSENT)
    assert "canary" not in repr(found.fields)
