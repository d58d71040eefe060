"""The rules of the architecture are tests: who may import whom, how long a file may be, what it may not be called."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "deployer").rglob("*.py"))
LONGEST = 600
"""Lines of a module; about 300 is the habit. One subject stays together: nothing is split for the number alone."""
SAYS_NOTHING = frozenset(
    {"utils", "util", "helpers", "helper", "common", "base", "manager", "managers", "misc", "core"}
)
CORE = tuple(path for path in MODULES if path.relative_to(ROOT / "deployer").parts[0] in {"plan", "diff", "model"})
PURE = frozenset({"open", "print", "input", "exec", "eval", "__import__"})

DOORS: dict[str, dict[str | None, set[str] | None]] = {
    "deployer.sandbox": {"deployer.cli.sandbox": None},
    "deployer.registrator": {"deployer.cli.registrator": {"__main__"}, None: {"api"}},
}
"""Programs of their own at the edge of the house: by package, who may import what of it. None: anybody, anything."""


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


def test_only_entry_points_start_a_loop_or_handle_signals() -> None:
    """Whoever has an event loop can call everything else in it."""
    ours = {"cli", "hooks", "__main__.py", "entry.py"}
    apart = {
        "registrator",
        "sandbox",
        "cage",
        "remote",
    }  # programs of their own, children, and a terminal that is given back
    inside = [path for path in MODULES if path.relative_to(ROOT / "deployer").parts[0] not in ours | apart]
    calls = [
        (name(path), ast.unparse(node.func))
        for path in inside
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    forbidden = {"asyncio.run", "signal.signal", "os.fork", "sys.exit", "asyncio.Runner", "print", "os.environ.clear"}
    assert [call for call in calls if call[1] in forbidden or call[1].endswith(".add_signal_handler")] == []


def test_a_comment_cites_documents_that_a_reader_can_open() -> None:
    here = {path.name for path in (ROOT, *(ROOT / "docs").rglob("*")) if path.suffix == ".md"} | {
        path.name for path in ROOT.glob("*.md")
    }
    cited = [
        (name(path), document)
        for path in (*MODULES, *(ROOT / "tests").rglob("*.py"))
        for document in re.findall(r"\b[A-Z]{2,}\.md\b", path.read_text(encoding="utf-8"))
    ]
    assert [one for one in cited if one[1] not in here] == []


def test_suppressed_checks_are_rare() -> None:
    lines = [line for path in MODULES for line in path.read_text(encoding="utf-8").splitlines()]
    assert sum("# noqa" in line or "# type: ignore" in line for line in lines) < 3 * len(lines) / 1000


def test_a_suppressed_check_says_why() -> None:
    lines = [(name(path), line) for path in MODULES for line in path.read_text(encoding="utf-8").splitlines()]
    parts = [(path, line, line.partition(word)) for path, line in lines for word in ("# noqa", "# type: ignore")]
    silent = [(path, line) for path, line, (_, found, rest) in parts if found and not (" - " in rest or " # " in rest)]
    assert silent == []


def test_no_module_imports_itself_by_a_detour() -> None:
    """Imports in functions and deferred ones count too; those for the type checker alone do not."""
    modules = {".".join(dotted(path)): path for path in MODULES}
    imports = {
        module: {found for name_ in imported(path) for found in [name_, name_.rpartition(".")[0]] if found in modules}
        - {module}
        for module, path in modules.items()
    }
    submodules_first = {  # `from package import module` names the module, not the package
        module: {one for one in found if not any(other.startswith(f"{one}.") for other in found)}
        for module, found in imports.items()
    }
    try:
        TopologicalSorter(submodules_first).prepare()
    except CycleError as circle:
        raise AssertionError(" imports ".join(reversed(circle.args[1]))) from None


def dotted(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imported(path: Path) -> set[str]:
    """The dotted names that a module imports while it runs: `a.b.c` for `from a.b import c`, whether a module or not."""

    def names(node: ast.AST) -> Iterator[str]:
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                return
            case ast.Import():
                yield from (one.name for one in node.names)
            case ast.ImportFrom(module=str(module)):
                yield from (f"{module}.{one.name}" for one in node.names)
            case _:
                for child in ast.iter_child_nodes(node):
                    yield from names(child)

    return set(names(ast.parse(path.read_text(encoding="utf-8"))))


def test_programs_at_the_edge_have_one_door() -> None:
    inside = {
        (package, ".".join(dotted(path)), one.removeprefix(f"{package}.").partition(".")[0])
        for package in DOORS
        for path in MODULES
        if not ".".join(dotted(path)).startswith(package)
        for one in imported(path)
        if one == package or one.startswith(f"{package}.")
    }

    def allowed(package: str, module: str, part: str) -> bool:
        parts = DOORS[package].get(module, DOORS[package].get(None, set()))
        return parts is None or part in parts

    assert {one for one in inside if not allowed(*one)} == set()
