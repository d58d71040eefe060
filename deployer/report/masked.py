"""Fields that differ as JSON, masked as in a plan's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from deployer.model.field import Absent
from deployer.plan.masking import mask
from deployer.report.document import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.model.field import Field


class FieldDocument(Part, frozen=True):
    path: str
    drifted: bool
    """Somebody else than deployer made the live value what it is."""
    old: Any | UnsetType = UNSET
    """The live value; absent where there is none. Secrets show as [secret]."""
    new: Any | UnsetType = UNSET
    """The value in git; absent where there is none."""


def field_documents(fields: Iterable[Field]) -> tuple[FieldDocument, ...]:
    return tuple(map(field_document, fields))


def field_document(field: Field) -> FieldDocument:
    """`old` and `new` are left out where there is no value: absent is not null."""
    old, new = (UNSET if isinstance(one, Absent) else mask(field.path, one) for one in (field.old, field.new))
    return FieldDocument(field.path, field.drifted, old, new)
