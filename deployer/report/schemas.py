"""The JSON Schemas (draft 2020-12) of all documents, made from their structs. Only `deployer schema` and tests import this."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from deployer.report.doctor import DoctorDocument
from deployer.report.documents import PlanDocument, ReportDocument
from deployer.report.events import Line
from deployer.report.failure_document import FailureDocument
from deployer.report.history import HistoryDocument, RunDocument
from deployer.report.lock import UnlockDocument
from deployer.report.machines import AddedDocument, ContextsDocument, MachinesDocument, PortsDocument, SwarmDocument
from deployer.report.plan_file import SavedPlanDocument
from deployer.report.running import LogDocument, PsDocument
from deployer.report.runs import RunsDocument
from deployer.report.scaling import ScaleDocument
from deployer.report.services import ServicesDocument
from deployer.report.status import StatusDocument
from deployer.report.validation import InvalidDocument, ValidDocument

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import UnionType

DOCUMENTS: Final[dict[str, tuple[str, type | UnionType]]] = {
    "added": ("deployer machine add, create, import, adopt --json", AddedDocument),
    "contexts": ("deployer context sync --json, deployer context rm --json", ContextsDocument),
    "doctor": ("deployer doctor --json", DoctorDocument),
    "event": ("One line of --progress json", Line),
    "failure": ("Any command under --json that came to no result", FailureDocument),
    "history": ("deployer history --json", HistoryDocument),
    "log": ("a line of deployer logs --json", LogDocument),
    "machines": ("deployer machine ls --json", MachinesDocument),
    "plan": ("deployer plan --json", PlanDocument),
    "ports": ("deployer machine check --json", PortsDocument),
    "ps": ("deployer ps --json", PsDocument),
    "report": ("deployer apply --json", ReportDocument),
    "run": ("deployer show --json", RunDocument),
    "runs": ("deployer runs --json", RunsDocument),
    "saved_plan": ("deployer plan --out", SavedPlanDocument),
    "scale": ("deployer scale --json", ScaleDocument),
    "services": ("deployer services --json", ServicesDocument),
    "status": ("deployer status --json", StatusDocument),
    "swarm": ("deployer swarm status --json", SwarmDocument),
    "unlock": ("deployer unlock --json", UnlockDocument),
    "validation": ("deployer validate --json", InvalidDocument | ValidDocument),
}
"""By name: what prints it, and its struct; of a union each document is one of the structs."""


def document_schema(name: str) -> dict[str, Any]:
    """The schema of one document, with all that it refers to. Raises KeyError where there is no such document."""
    title, form = DOCUMENTS[name]
    structs = get_args(form) or (form,)
    refs, parts = msgspec.json.schema_components(structs, ref_template="#/$defs/{name}")
    closed = all(struct.__struct_config__.forbid_unknown_fields for struct in structs)
    for cls in _classes(structs):
        _complete(parts[cls.__name__], cls, closed=closed)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{name}.json", "title": title}
    top = {"anyOf": list(refs)} if len(refs) > 1 else parts.pop(structs[0].__name__)
    return head | top | ({"$defs": dict(sorted(parts.items()))} if parts else {})


def _complete(schema: dict[str, Any], cls: type, *, closed: bool) -> None:
    """Say of a class's schema what msgspec cannot know: that defaults are always written, and what the docstrings say."""
    schema.pop("title")
    properties = schema["properties"]
    always = {name for name, value in properties.items() if value.pop("default", ...) is not ...}
    schema["required"] = [name for name in properties if name in {*schema["required"], *always}]
    if closed:
        schema["additionalProperties"] = False
    names = {one.name: one.encode_name for one in _struct_fields(cls)}
    for field, text in _field_docs(cls):
        properties[names.get(field, field)]["description"] = text


def _struct_fields(cls: type) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(cls) if issubclass(cls, msgspec.Struct) else ()


def _field_docs(cls: type) -> Iterator[tuple[str, str]]:
    """The docstrings below the fields of a class and of those that it inherits from; none where the source is not at hand."""
    for one in reversed(cls.__mro__):
        if not one.__module__.startswith("deployer."):
            continue
        try:
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        except OSError:
            continue
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for field, text in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                yield ast.unparse(field.target), inspect.cleandoc(str(text.value.value))


def _classes(structs: tuple[type, ...]) -> set[type]:
    """All structs and dataclasses that a document is made of."""
    found: set[type] = set()

    def walk(value: Any) -> None:
        if isinstance(value, msgspec.inspect.StructType | msgspec.inspect.DataclassType):
            if value.cls in found:
                return
            found.add(value.cls)
        if isinstance(value, tuple):
            for one in value:
                walk(one)
        elif isinstance(value, msgspec.inspect.Type | msgspec.inspect.Field):
            for one in msgspec.structs.astuple(value):
                walk(one)

    walk(msgspec.inspect.multi_type_info(structs))
    return found
