"""The documents' keys and types, in a form that one can read: what is in formats.txt is what programs rely on.

A line that goes or changes breaks them (a new major version); a new line is a minor one. After a change that is meant:
`python -m tests.report.test_formats`
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.report.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT: Final = Path(__file__).with_name("formats.txt")
LIMITS: Final = ("minimum", "maximum", "pattern", "format")


def test_the_formats_are_as_they_were() -> None:
    now, kept = _formats().splitlines(), KEPT.read_text(encoding="utf-8").splitlines()
    told = {"gone or changed": sorted({*kept} - {*now}), "new": sorted({*now} - {*kept})}
    assert now == kept, f"{told}; if that is meant: python -m tests.report.test_formats"


def _formats() -> str:
    every = {name: schema for schema in SCHEMAS.values() for name, schema in schema.get("$defs", {}).items()}
    lines = {line for name, schema in (SCHEMAS | every).items() for line in _lines(name, schema)}
    return "".join(f"{line}\n" for line in sorted(lines))


def _lines(path: str, schema: dict[str, Any]) -> Iterator[str]:
    """`PlanSummary.add integer minimum=0`: a line each value; `?` behind a key that may be missing."""
    if "$ref" in schema:
        yield f"{path} {schema['$ref'].rpartition('/')[2]}"
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _lines(path, one)
    elif "properties" in schema:
        for key, value in schema["properties"].items():
            yield from _lines(f"{path}.{key}{'' if key in schema['required'] else '?'}", value)
    elif schema.get("type") == "array":
        yield from _lines(f"{path}[]", schema["items"])
    elif schema.get("type") == "object":
        yield from _lines(f"{path}.*", schema["additionalProperties"])
    else:
        kind = " | ".join(map(repr, _choices(schema))) or schema.get("type", "anything")
        yield " ".join([path, kind, *(f"{limit}={schema[limit]}" for limit in LIMITS if limit in schema)])


def _choices(schema: dict[str, Any]) -> list[Any]:
    return [schema["const"]] if "const" in schema else sorted(schema.get("enum", ()))


if __name__ == "__main__":
    KEPT.write_text(_formats(), encoding="utf-8")
