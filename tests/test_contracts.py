"""The rules of the architecture are tests: who may import whom, how long a file may be, what it may not be called."""

import ast
import os
import subprocess
import sys
from pathlib import Path

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


def test_a_module_is_short() -> None:
    lines = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {path: count for path, count in lines.items() if count >= LONGEST} == {}, "split it"


def test_a_module_is_named_for_what_it_is() -> None:
    named = {name(path): path.relative_to(ROOT / "deployer").with_suffix("").parts for path in MODULES}
    assert [path for path, parts in named.items() if {part.lower() for part in parts} & SAYS_NOTHING] == []


def test_the_core_calls_nothing_that_reads_or_writes() -> None:
    """What the import contracts cannot see: builtins."""
    calls = [
        (name(path), node.lineno, node.func.id)
        for path in CORE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert [call for call in calls if call[2] in PURE] == []


def test_a_suppressed_check_says_why() -> None:
    lines = [(name(path), line) for path in MODULES for line in path.read_text(encoding="utf-8").splitlines()]
    parts = [(path, line, line.partition(word)) for path, line in lines for word in ("# noqa", "# type: ignore")]
    silent = [(path, line) for path, line, (_, found, rest) in parts if found and not (" - " in rest or " # " in rest)]
    assert silent == []
