"""Values in, JSON values without secrets out, by the same rule as a plan's text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployer.diff.change import Absent, Field
from deployer.model.secret import MASK, Secret
from deployer.plan.text import SECRET_WORDS


def field_document(field: Field) -> dict[str, Any]:
    """`path`, and `old` and `new` where there is a value: absent is not null."""
    sides = {"old": field.old, "new": field.new}
    return {"path": field.path} | {
        side: masked(field.path, value) for side, value in sides.items() if not isinstance(value, Absent)
    }


def masked(name: str, value: Any) -> Any:
    """`value` as JSON, with `[secret]` for a `Secret`, for what stands under a name that says secret, and for such variables."""
    if isinstance(value, Secret) or SECRET_WORDS.search(name):
        return MASK
    if isinstance(value, Mapping):
        return {str(key): masked(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(name, item) for item in value]
    if isinstance(value, str):
        variable, separator, _ = value.partition("=")
        return f"{variable}={MASK}" if separator and SECRET_WORDS.search(variable) else value
    return value if value is None or isinstance(value, bool | int | float) else str(value)
