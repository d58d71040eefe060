"""The JSON Schemas that are shipped, and documents held against them."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from deployer.report.documents import to_json

SCHEMAS: dict[str, Any] = {
    path.name.removesuffix(".json"): json.loads(path.read_text())
    for path in sorted(files("deployer.report").joinpath("schemas").iterdir(), key=lambda path: path.name)
}
REGISTRY: Registry[Any] = Registry().with_resources(
    [(f"{name}.json", Resource.from_contents(schema)) for name, schema in SCHEMAS.items()]
)


def check(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """What the document says after its way through JSON; it must be what its schema allows."""
    read: dict[str, Any] = json.loads(to_json(document))
    Draft202012Validator(SCHEMAS[name], registry=REGISTRY).validate(read)
    return read
