"""The program as a process of its own: what it imports, what a shell sees of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import deployer
from deployer.cli.app import COMMANDS
from tests.needs import COMPILER
from tests.processes import started
from tests.source.conftest import GOOD, Repo
from tests.waiting import GENEROUS

ROOT = Path(deployer.__file__).parent.parent

HEAVY: Final = {
    "asyncio", "asyncssh", "consul", "docker", "git", "h11", "jsonschema", "msgspec", "pydantic", "python_on_whales",
    "requests", "rich", "yaml",
}  # fmt: skip
"""What --help, --version and completion must do without: each takes 20 to 500 ms to import."""


def program(*argv: str, code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(["-c", code] if code else ["-m", "deployer"]), *argv]
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=GENEROUS, check=False, cwd=ROOT, env=kept | environment
    )


@pytest.mark.parametrize(
    ("argv", "environment"),
    [
        ("--help", {}),
        ("--version", {}),
        ("plan --help", {}),
        ("apply --help", {}),
        ("unlock --help", {}),
        ("services --help", {}),
        ("machine --help", {}),
        ("m ip --help", {}),
        ("machine lss", {}),
        ("pln", {}),
        ("", {"_DEPLOYER_COMPLETE": "complete_bash", "COMP_WORDS": "deployer ", "COMP_CWORD": "1"}),
        ("", {"_DEPLOYER_COMPLETE": "complete_bash", "COMP_WORDS": "deployer plan --re", "COMP_CWORD": "2"}),
        ("", {"_DEPLOYER_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "deployer sandbox "}),
    ],
)
def test_what_people_wait_for_imports_nothing_heavy(argv: str, environment: dict[str, str]) -> None:
    code = (
        "import sys; from deployer.__main__ import main; main(); "
        "print('imported', *{name.partition('.')[0] for name, module in sys.modules.items() if module})"
    )
    ran = program(*argv.split(), code=code, **environment)
    imported = set(ran.stdout.splitlines()[-1].split())
    assert "typer" in imported, ran.stderr
    assert imported & HEAVY == set()


def test_completion_offers_commands_and_options() -> None:
    bash = {"_DEPLOYER_COMPLETE": "complete_bash", "COMP_CWORD": "1", "COMP_WORDS": "deployer "}
    assert program(**bash).stdout.split() == list(COMMANDS)
    options = program(**bash | {"COMP_CWORD": "2", "COMP_WORDS": "deployer plan --re"}).stdout.split()
    assert options == ["--repo", "--rev", "--replaces"]


def test_the_version() -> None:
    assert program("--version").stdout == f"deployer {deployer.__version__}\n"


def test_help_lists_every_command_with_its_purpose() -> None:
    ran = program("--help")
    assert ran.returncode == 0
    width = max(len(name) for name in COMMANDS)
    for name, command in COMMANDS.items():
        assert f"  {name:{width}}  {command.purpose}\n" in ran.stdout


WHAT_RAN: Final = """
import sys
from types import ModuleType
from deployer.__main__ import main
main()
print(*sorted(name for name, module in sys.modules.items() if type(module) is ModuleType), file=sys.stderr)
"""
"""A module that was only named in `with defer_imports()` is of another type until it runs."""


@COMPILER
def test_a_commit_hook_imports_neither_plans_nor_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each commit waits for it: the operations of all domains, which the display of steps needs, cost a third of its time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    repo = Repo(tmp_path / "repo")
    repo.path.mkdir()
    repo.git("init", "-q", "-b", "main")
    repo.write(GOOD)
    repo.git("add", "--all")
    argv = [sys.executable, "-c", WHAT_RAN, "validate", "--staged", "--repo", str(repo.path)]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)
    assert "staged is valid" in ran.stdout, ran.stderr
    loaded = set(ran.stderr.splitlines()[-1].split())
    assert "deployer.workflow.validate" in loaded
    needless = (
        "deployer.plan.operations",
        "deployer.diff",
        "deployer.remote",
        "deployer.execute",
        "deployer.observe",
        "asyncssh",
        "rich",
    )
    assert [name for name in loaded if name.startswith(needless)] == []


def test_exit_codes_reach_the_shell_and_no_traceback_does(tmp_path: Path) -> None:
    ran = program("plan", "--repo", str(tmp_path), XDG_STATE_HOME=str(tmp_path / "state"))
    assert "Traceback" not in ran.stderr
    assert ran.stderr.startswith("deployer: ")
    assert ran.returncode not in {0, 70}, ran.stderr
    assert program("frobnicate").returncode == 2


SLOW: Final = """
import asyncio, sys, types
async def plan(source, say, _consent):
    say("begun")
    await asyncio.sleep(3600)
sys.modules["deployer.workflow.plan"] = types.SimpleNamespace(plan=plan)
from deployer.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGHUP, 143, "terminated")],
)
def test_signals_end_it_with_one_line(number: signal.Signals, code: int, word: str) -> None:
    argv = [sys.executable, "-c", SLOW, "plan"]
    with started(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr
        assert process.stderr.readline() == "begun\n"
        process.send_signal(number)
        assert process.stderr.read() == f"deployer: {word}\n"
        process.wait(GENEROUS)
    assert process.returncode == code


def test_what_a_reader_that_goes_has_not_read_is_done_all_the_same(tmp_path: Path) -> None:
    """`remote init | head -1` ended in the middle, with exit code 70 and without what was to be allowed."""
    made = tmp_path / "x.git"
    init = f"{sys.executable} -m deployer remote init --allow local {made} | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", init], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    allowed = subprocess.run(
        ["git", "--git-dir", made, "config", "deployer.allow"], capture_output=True, text=True, check=True
    )
    assert allowed.stdout == "local\n"


def test_into_head_it_is_quiet() -> None:
    command = f"{sys.executable} -m deployer --help | head -1; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=GENEROUS, check=False, cwd=ROOT
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "Usage: deployer [OPTIONS] COMMAND [ARGS]...\n", "")
