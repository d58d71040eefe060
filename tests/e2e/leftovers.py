"""What a run of tests or of `make bench` that was killed left on this machine: found by its name and removed, nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.e2e.standing import PREFIX

LABEL: Final = "deployer.test"
"""On each container and network that a test makes beside the sandboxes; its value is the test's process."""
FOLDER: Final = "deployer-test-"
"""How the folders of a run are called in the system's temporary folder: this, the process, and what makes them unique."""
_SANDBOX: Final = re.compile(rf"deployer-(?:{PREFIX}|bench)-[a-z0-9]+-(\d+)(?:-.*)?")
_FOLDER: Final = re.compile(r"deployer-(?:test|bench)-(\d+)-.*")
_PROGRAMS: Final = (b"pytest", b"tests.e2e", b"tests.bench")
"""What stands in the command line of whoever makes them."""


def remove_leftovers(*, also: tuple[int, ...] = ()) -> list[str]:
    """Remove what processes of tests made that run no more, and the processes `also`; returns a line for each thing.

    Without an engine there is nothing but folders to find.
    """
    removed = []
    for container, made_by in _found("ps", "--all"):
        if _is_over(made_by, also) and _docker("rm", "--force", "--volumes", container) is not None:
            removed.append(f"container {container}")
    for network, made_by in _found("network", "ls"):
        if _is_over(made_by, also) and _docker("network", "rm", network) is not None:
            removed.append(f"network {network}")
    for path in sorted(Path(tempfile.gettempdir()).glob("deployer-*")):
        match = _FOLDER.fullmatch(path.name)
        if match and _is_over(int(match[1]), also):
            shutil.rmtree(path, ignore_errors=True)
            removed.append(f"folder {path}")
    return removed


def _found(*listing: str) -> list[tuple[str, int]]:
    """Names of what tests made, each with the process that made it."""
    name = "{{.Names}}" if listing[0] == "ps" else "{{.Name}}"
    lines = (_docker(*listing, "--format", f'{name}\t{{{{.Label "{LABEL}"}}}}') or "").splitlines()
    found = []
    for line in lines:
        thing, _, label = line.partition("\t")
        if label.isdigit():
            found.append((thing, int(label)))
        elif match := _SANDBOX.fullmatch(thing):
            found.append((thing, int(match[1])))
    return found


def _is_over(process: int, also: tuple[int, ...]) -> bool:
    """Whether that process runs no tests: it is gone, or its number is another program's by now."""
    if process in also:
        return True
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return True
    return not any(program in command for program in _PROGRAMS)


def _docker(*argv: str) -> str | None:
    """What it says; None where it fails, as without an engine."""
    try:
        done = subprocess.run(["docker", *argv], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
