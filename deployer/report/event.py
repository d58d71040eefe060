"""How every line of `--progress json` begins, but for the first one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, field

from deployer.report.document import Part

Level = Literal["info", "warn", "error"]


class Event(Part, frozen=True):
    """A reader shows `@message` of types that it does not know, and ignores keys that it does not know."""

    level: Level = field(name="@level")
    message: str = field(name="@message")
    timestamp: Annotated[str, Meta(extra_json_schema={"format": "date-time"})] = field(name="@timestamp")


def stamp(now: datetime | None = None) -> str:
    """`now`, by default this moment, as RFC 3339 with milliseconds."""
    return (now or datetime.now(UTC)).isoformat(timespec="milliseconds")
