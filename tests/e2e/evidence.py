"""What a failed test leaves to read: tests/.failed/NAME/, with the report, the last commands, and what each machine said."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.sandbox.labels import LABEL, MACHINE_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from tests.e2e.standing import Standing

FOLDER: Final = Path(__file__).parents[1] / ".failed"
ASKED: Final = {
    "swarm": (
        "docker node ls; docker service ls; docker service ps --no-trunc $(docker service ls --quiet); docker network ls;"
        " docker stack ls"
    ),
    "containers": "docker ps --all --no-trunc; docker stats --no-stream; free -m; df -h / /var/lib/docker; uptime",
    "engine": "journalctl --no-pager --lines 200 --unit docker; cat /etc/docker/daemon.json",
    "consul": (
        "curl -sS --max-time 5 http://127.0.0.1:8500/v1/agent/members; echo;"
        " curl -sS --max-time 5 http://127.0.0.1:8500/v1/catalog/nodes; echo; docker logs --tail 100 deployer-consul"
    ),
    "registrator": "docker logs --tail 200 deployer-registrator",
}
"""A file each, and the shell commands whose output it has; what fails says so there."""


def keep_evidence(test: str, report: pytest.TestReport, standings: Iterable[Standing]) -> Path:
    """Write all that is known of a failed test; returns the folder. A test that failed before has its old one replaced."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", test.removeprefix("tests/e2e/").removesuffix("]"))
    folder = FOLDER / name[:120] / report.when
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sections = "\n".join(f"--- {title} ---\n{text}" for title, text in report.sections)
    (folder / "report.txt").write_text(f"{test}, {report.when}\n{report.longreprtext}\n{sections}\n", encoding="utf-8")
    for standing in standings:
        _keep(standing, folder / standing.name)
    return folder


def _keep(standing: Standing, folder: Path) -> None:
    folder.mkdir()
    commands = "".join(
        f"$ deployer {' '.join(done.args[3:])}\n{done.stdout}{done.stderr}exit code {done.returncode}\n\n"
        for done in standing.last
    )
    (folder / "commands.txt").write_text(commands, encoding="utf-8")
    for log in (Path(standing.env["XDG_STATE_HOME"]) / "deployer").rglob("*.log"):
        shutil.copy(log, folder)
    prefix = standing.container("")
    for container in _run(
        "docker",
        "ps",
        "--all",
        "--filter",
        f"label={LABEL}={standing.name}",
        "--filter",
        f"label={MACHINE_LABEL}",
        "--format",
        "{{.Names}}",
    ).split():
        machine = container.removeprefix(prefix)
        for kind, script in ASKED.items():
            said = _run("docker", "exec", container, "timeout", "20", "sh", "-c", f"{{ {script}; }} 2>&1")
            (folder / f"{machine}-{kind}.txt").write_text(said, encoding="utf-8")


def _run(*argv: str) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=40)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{error}\n"
    return (done.stdout + done.stderr).decode(errors="replace")
