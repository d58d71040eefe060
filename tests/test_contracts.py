"""The rules of the architecture are tests: who may import whom, how long a file may be, what it may not be called."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "deployer").rglob("*.py"))
LONGEST = 400
"""Lines of a module; about 300 is the habit, and nothing is split for the number alone."""
SAYS_NOTHING = frozenset(
    {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc", "core"}
)
CORE = tuple(path for path in MODULES if path.relative_to(ROOT / "deployer").parts[0] in {"plan", "diff", "model"})
PURE = frozenset({"open", "print", "input", "exec", "eval", "__import__"})


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_import_contracts() -> None:
    """import-linter, with the contracts of pyproject.toml."""
    linted = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_there_is_something_to_look_at() -> None:
    assert len(CORE) > 15
    assert len(MODULES) > len(CORE)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_short_and_named_for_what_it_is(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines < LONGEST, f"{lines} lines: split it"
    words = {part.lower() for part in path.relative_to(ROOT / "deployer").with_suffix("").parts}
    assert not words & SAYS_NOTHING


@pytest.mark.parametrize("path", CORE, ids=name)
def test_the_core_calls_nothing_that_reads_or_writes(path: Path) -> None:
    """What the import contracts cannot see: builtins."""
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert not {call.id for call in calls if isinstance(call, ast.Name)} & PURE


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_suppressed_check_says_why(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        for word in ("# noqa", "# type: ignore"):
            _, found, rest = line.partition(word)
            if found:
                assert " - " in rest or " # " in rest, f"no reason: {line.strip()}"
