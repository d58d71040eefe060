"""No path of a request to an engine or to Consul is put together without quoting: a rule over the whole program's text."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import deployer

QUOTERS: Final = frozenset({"segment", "segments"})
FIXED: Final = {"{operation.kind}", "{kind}", "{path}"}
"""Parts that are no names: `config` or `secret`, and a path that was put together by the same rule before."""


def unquoted(tree: ast.AST) -> list[str]:
    """The places where a name gets into a path as it is."""
    return [
        f"{text.lineno}: {ast.unparse(text)}"
        for text in ast.walk(tree)
        if isinstance(text, ast.JoinedStr) and _is_path(text)
        for part in text.values
        if isinstance(part, ast.FormattedValue) and not _is_quoted(part.value)
    ]


def _is_path(text: ast.JoinedStr) -> bool:
    """One that begins like a path of theirs; other f-strings are files' names and words."""
    first = text.values[0]
    begins = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
    return begins.startswith(("/v1/", *(f"/{kind}/" for kind in KINDS))) or (
        begins == "/" and "kind" in ast.unparse(text)
    )


KINDS: Final = ("containers", "services", "nodes", "networks", "images", "volumes", "tasks", "configs", "secrets", "distribution", "swarm")  # fmt: skip


def _is_quoted(value: ast.expr) -> bool:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in QUOTERS
    return f"{{{ast.unparse(value)}}}" in FIXED


def test_every_name_in_a_path_is_quoted() -> None:
    package = Path(deployer.__file__).parent
    found = {
        str(file.relative_to(package)): places
        for file in sorted(package.rglob("*.py"))
        if (places := unquoted(ast.parse(file.read_text())))
    }
    assert found == {}


def test_the_rule_sees_what_it_is_for() -> None:
    assert unquoted(ast.parse('engine.get(f"/services/{name}")'))
    assert unquoted(ast.parse('path = f"/v1/agent/service/deregister/{identifier}"'))
    assert not unquoted(ast.parse('engine.get(f"/services/{segment(name)}")'))
