"""Placement constraints, as Swarm reads them (swarmkit, manager/constraint/constraint.go)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

CONSTRAINT: Final = re.compile(r"\s*([a-z0-9A-Z.\-_/]+)\s*(==|!=)\s*(.+?)\s*")
KEYS: Final = ("node.id", "node.hostname", "node.ip", "node.role", "node.platform.os", "node.platform.arch")
LABELS: Final = ("node.labels.", "engine.labels.")


def holds(text: str, attribute: Callable[[str], str | None]) -> bool | None:
    """Whether a machine meets the constraint; None where it cannot be told. `attribute` answers for the machine."""
    matched = CONSTRAINT.fullmatch(text)
    if not matched:
        return None
    key, sign, wanted = matched.groups()
    value = attribute(key)
    return None if value is None else (value.lower() == wanted.lower()) == (sign == "==")


def mistake(text: str) -> str:
    """What is wrong with the constraint itself; empty where nothing is."""
    matched = CONSTRAINT.fullmatch(text)
    if not matched:
        return f"{text!r} is no constraint: write KEY==VALUE or KEY!=VALUE"
    key = matched[1].lower()
    if key in KEYS or any(key.startswith(prefix) and key != prefix for prefix in LABELS):
        return ""
    return f"Swarm has no {matched[1]!r} to place by"
