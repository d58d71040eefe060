"""Documents held against their schemas."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator

from deployer.report.encode import to_json
from deployer.report.schemas import DOCUMENTS, document_schema

SCHEMAS: dict[str, Any] = {name: document_schema(name) for name in DOCUMENTS}


def check(name: str, document: object) -> dict[str, Any]:
    """What the document says after its way through JSON; it must be what its schema allows."""
    read: dict[str, Any] = json.loads(to_json(document))
    Draft202012Validator(SCHEMAS[name]).validate(read)
    return read
