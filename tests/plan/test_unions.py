"""A new operation is two files, and these tests say which. A new kind of change is one file more.

plan/DOMAIN.py: a small frozen dataclass in the domain's union, with its mark and its words.
execute/DOMAIN.py: a case in `perform`. diff/DOMAIN.py: what is found, where the operation follows from a difference.
mypy names the same places: every `match` over a union is closed.
"""

import ast
import inspect
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any, Final, cast, get_args

import pytest

from deployer.diff.changes import Change
from deployer.execute.perform import DOMAINS
from deployer.model.build import Build
from deployer.model.observed import LiveService
from deployer.model.project import Project
from deployer.model.secret import Secret
from deployer.plan.operations import UNIONS, Operation, describe, domain, mark, on_failure

OPERATIONS: Final = tuple(get_args(Operation))
CHANGES: Final = tuple(get_args(Change))
SAMPLES: Final[dict[str, Any]] = {
    "str": "text",
    "int": 2,
    "float": 5.0,
    "bool": False,
    "bytes": b"",
    "Build": Build("app:1", "s", "s_web", ".", (), "Dockerfile"),
    "LiveService": LiveService("1", 1, {"Name": "s_web"}, 1, 1),
    "Project": Project("s", "m1", "{}", (), {}),
    "Secret": Secret("key"),
}


def sample(kind: type) -> Operation:
    """One of that kind, of whatever its fields are."""
    return cast("Operation", kind(**{field.name: value_of(str(field.type)) for field in fields(kind)}))


def value_of(annotation: str) -> Any:
    if annotation.startswith("Literal["):
        chosen: ast.expr = cast("ast.Subscript", ast.parse(annotation, mode="eval").body).slice
        return ast.literal_eval(chosen.elts[0] if isinstance(chosen, ast.Tuple) else chosen)
    if annotation.startswith(("tuple[", "Mapping[")):
        return () if annotation.startswith("tuple") else {}
    return SAMPLES[annotation]


def defined(module: ModuleType) -> set[type]:
    """The dataclasses of a module that are about a machine or a stack, in the way that operations and changes are."""
    kinds = {kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__}
    return {kind for kind in kinds if is_dataclass(kind) and {"node", "stack"} <= names(kind)}


def names(kind: type) -> set[str]:
    return {*dir(kind), *(field.name for field in fields(kind))} if is_dataclass(kind) else set()


@pytest.mark.parametrize(("union", "words"), UNIONS, ids=lambda one: getattr(one, "__name__", ""))
def test_every_operation_of_a_domain_is_in_its_union_and_performed_there(union: Any, words: Any) -> None:
    named, there = {kind.__name__ for kind in get_args(union)}, {kind.__name__ for kind in defined(words)}
    assert named == there, (
        f"not in the union of {words.__name__}: {sorted(there - named)}; not there: {sorted(named - there)}"
    )
    performing = ast.parse(inspect.getsource(DOMAINS[words.__name__.rpartition(".")[2]].perform))
    cases = {
        node.cls.id
        for node in ast.walk(performing)
        if isinstance(node, ast.MatchClass)
        if isinstance(node.cls, ast.Name)
    }
    assert cases == named, f"perform does not know {sorted(named - cases)}"


def test_the_union_of_all_has_every_domain() -> None:
    assert set(OPERATIONS) == {kind for union, _ in UNIONS for kind in get_args(union)}


@pytest.mark.parametrize("kind", OPERATIONS, ids=lambda kind: kind.__name__)
def test_every_operation_has_a_mark_and_words(kind: type) -> None:
    operation = sample(kind)
    subject, words = describe(operation)
    assert subject
    assert words
    assert mark(operation) in {"+", "~", "-", "-/+", "."}
    assert on_failure(operation) == []
    assert domain(operation) == kind.__module__.rpartition(".")[2]
    assert operation.node or operation.stack


@pytest.mark.parametrize("kind", CHANGES, ids=lambda kind: kind.__name__)
def test_every_change_is_of_its_domain_and_says_what_it_is_about(kind: type) -> None:
    module = inspect.getmodule(kind)
    assert module is not None
    assert defined(module) <= set(CHANGES)
    assert {"node", "stack", "cause"} <= names(kind)
