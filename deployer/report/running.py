"""What runs in, `docker ps`-like rows out, `machine/container`; the same as JSON. Records of a log in, a line each out."""

from __future__ import annotations

import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from deployer.model.amounts import plural
from deployer.model.printable import printable
from deployer.report.documents import head
from deployer.report.table import table

if TYPE_CHECKING:
    from deployer.model.running import LogRecord, Row, Running
    from deployer.report.paint import Paint, Tone

COLUMNS: Final = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
COMMAND: Final = 20
"""Characters of a command, as docker ps shows it."""
STEPS: Final = ((60, "second", 1), (3600, "minute", 60), (86400, "hour", 3600), (float("inf"), "day", 86400))
NAME_TONES: Final[tuple[Tone, ...]] = ("cyan", "green", "yellow", "bold")


def running_text(running: Running, paint: Paint, now: float, width: int | None = None) -> str:
    """A row a container; machines that could not be asked below, and one sentence. `now` in seconds since 1970."""

    def finish(column: int, cell: str, padded: str) -> str:
        return (
            paint(padded, tones[shown])
            if COLUMNS[column] == "STATUS" and (shown := printable(cell)) in tones
            else padded
        )

    tones: dict[str, Tone] = {printable(row.status): _tone(row) for row in running.rows}
    rows = [
        (row.id, row.image, _command(row.command), _ago(row.created, now), row.status, ", ".join(row.ports), place(row))
        for row in running.rows
    ]
    parts = [table(COLUMNS, rows, width=width, shrink=("COMMAND", "PORTS", "IMAGE"), finish=finish)] if rows else []
    silent = [paint(f"! {printable(name)}: {printable(reason)}", "red") for name, reason in running.silent]
    parts += [silent] if silent else []
    parts.append([summary(running)])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def summary(running: Running) -> str:
    """`sandbox: 7 containers on 4 machines; 1 machine could not be asked`"""
    containers = [row for row in running.rows if row.id]
    counted = f"{plural(len(containers), 'container')} on {plural(len({row.machine for row in containers}), 'machine')}"
    others = len(running.rows) - len(containers)
    tasks = f", {plural(others, 'task')} without one" if others else ""
    unasked = f"; {plural(len(running.silent), 'machine')} could not be asked" if running.silent else ""
    return f"{running.cluster}: {counted}{tasks}{unasked}"


def running_document(running: Running) -> dict[str, Any]:
    """Field names as in the values themselves: deployer.model.running."""
    return {
        **head("ps"),
        "cluster": running.cluster,
        "containers": [asdict(row) | {"ports": list(row.ports)} for row in running.rows],
        "silent": [{"machine": name, "reason": reason} for name, reason in running.silent],
    }


def place(row: Row) -> str:
    """`slave/shop_web.1.k3...`, as the classic Swarm named containers; `-/...` where there is no machine yet."""
    return f"{row.machine or '-'}/{row.name}"


def _tone(row: Row) -> Tone:
    if row.failed or "(unhealthy)" in row.status:
        return "red"
    return "green" if row.status.startswith("Up") else "yellow"


def _command(command: str) -> str:
    if not command:
        return ""
    return f'"{command}"' if len(command) <= COMMAND else f'"{command[: COMMAND - 1]}…"'


def _ago(created: float, now: float) -> str:
    """`3 minutes ago`; a clock that goes ahead of ours made it just now."""
    if not created:
        return ""
    seconds = max(now - created, 0.0)
    word, size = next((word, size) for limit, word, size in STEPS if seconds < limit)
    return f"{plural(int(seconds / size), word)} ago"


def record_text(record: LogRecord, paint: Paint, *, timestamps: bool, width: int = 0) -> str:
    """`slave/shop_web.1 | line`, the name padded to `width`, in a colour of its own."""
    name = printable(f"{record.node}/{record.task}" if record.task else "-")
    tone = NAME_TONES[zlib.crc32(name.encode()) % len(NAME_TONES)]
    stamp = f"{printable(record.time)} " if timestamps else ""
    return f"{paint(f'{name.ljust(width)} |', tone)} {stamp}{printable(record.text)}\n"


def record_document(record: LogRecord) -> dict[str, Any]:
    """One object a line."""
    return {**head("log"), **asdict(record)}
