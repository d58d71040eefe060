"""A field that differs in, its JSON out, masked as in a plan's text."""

from __future__ import annotations

from typing import Any

from deployer.model.field import Absent, Field
from deployer.plan.masking import mask


def field_document(field: Field) -> dict[str, Any]:
    """`path`, `drifted`, and `old` and `new` where there is a value: absent is not null."""
    sides = {"old": field.old, "new": field.new}
    return {"path": field.path, "drifted": field.drifted} | {
        side: mask(field.path, value) for side, value in sides.items() if not isinstance(value, Absent)
    }
