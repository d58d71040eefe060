"""A field that differs, in one line: masked, measured, and as short as it can be read."""

from __future__ import annotations

import json
from typing import Any, Final

from deployer.model.field import ABSENT, Absent, Field
from deployer.model.printable import printable
from deployer.model.spec import TEMPLATE
from deployer.plan.masking import mask

LONGEST_VALUE: Final = 60
SAME: Final = 12
"""Characters that stay before the first that differs, where the beginning is left out."""
SERVICE_SECTIONS: Final = (f"{TEMPLATE}.", "UpdateConfig.", "RollbackConfig.")
DURATIONS: Final = frozenset(
    {"Interval", "Timeout", "StartPeriod", "StartInterval", "Delay", "Monitor", "Window", "StopGracePeriod"}
)
MEBIBYTE: Final = 2**20


def field_text(field: Field) -> str:
    """`replicas: 2 -> 3`, values masked where the name says secret, and shortened to where they differ."""
    old, new = (_value(field.path, side) for side in (field.old, field.new))
    left_out = _count_alike(old, new) - SAME if max(len(old), len(new)) > LONGEST_VALUE else 0
    if left_out > 0:
        old, new = (f"…{text[left_out:]}" for text in (old, new))
    return f"{printable(field.path)}: {_shorten(old)} -> {_shorten(new)}"


def _count_alike(old: str, new: str) -> int:
    """How many characters at the beginning both have."""
    return next(
        (at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new))
    )


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _value(path: str, value: Any) -> str:
    if isinstance(value, Absent) or value is None:
        return repr(ABSENT)
    shown = _measure(path, mask(path, value))
    return printable(
        shown if isinstance(shown, str) else json.dumps(shown, sort_keys=True, ensure_ascii=False, default=str)
    )


def _measure(path: str, value: Any) -> Any:
    """Nanoseconds as `10s`, bytes as `64 MiB`, billionths of a processor as `0.5`: as compose files say them."""
    leaf = path.rpartition(".")[2]
    if type(value) is not int or not path.startswith(SERVICE_SECTIONS):
        return value
    if leaf in DURATIONS:
        return f"{value / 1e9:g}s"
    if leaf == "NanoCPUs":
        return f"{value / 1e9:g}"
    return f"{value / MEBIBYTE:g} MiB" if leaf == "MemoryBytes" else value
