"""What `deployer ps` and `deployer logs` print: containers as `docker ps` lists them, and a line a record."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, Literal

from deployer.model.amounts import plural
from deployer.model.printable import printable
from deployer.model.running import Row
from deployer.report.document import Document, Part
from deployer.report.table import paragraphs, table

if TYPE_CHECKING:
    from deployer.model.running import LogRecord, Running
    from deployer.report.paint import Paint, Tone

COLUMNS: Final = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
COMMAND: Final = 20
"""Characters of a command, as docker ps shows it."""
STEPS: Final = ((60, "second", 1), (3600, "minute", 60), (86400, "hour", 3600), (float("inf"), "day", 86400))
NAME_TONES: Final[tuple[Tone, ...]] = ("cyan", "green", "yellow", "bold")


class SilentDocument(Part, frozen=True):
    machine: str
    reason: str


class PsDocument(Document, frozen=True, kw_only=True):
    type: Literal["ps"] = "ps"
    cluster: str
    containers: tuple[Row, ...]
    silent: tuple[SilentDocument, ...]
    """Machines that could not be asked."""


class LogDocument(Document, frozen=True, kw_only=True):
    type: Literal["log"] = "log"
    time: str
    node: str
    task: str
    """`web_api.1`"""
    text: str


def running_text(running: Running, paint: Paint, now: float, width: int | None = None) -> str:
    """A row a container; machines that could not be asked below, and one sentence. `now` in seconds since 1970."""
    tones: dict[str, Tone] = {printable(row.status): _tone(row) for row in running.rows}
    rows = [
        (row.id, row.image, _command(row.command), _ago(row.created, now), row.status, ", ".join(row.ports), place(row))
        for row in running.rows
    ]
    shrink = ("COMMAND", "PORTS", "IMAGE")
    lines = table(COLUMNS, rows, width=width, shrink=shrink, paint=paint, tones={"STATUS": tones.get})
    silent = [paint(f"! {printable(name)}: {printable(reason)}", "red") for name, reason in running.silent]
    return paragraphs([lines if rows else [], silent, [summary(running)]])


def summary(running: Running) -> str:
    """`sandbox: 7 containers on 4 machines; 1 machine could not be asked`"""
    containers = [row for row in running.rows if row.id]
    counted = f"{plural(len(containers), 'container')} on {plural(len({row.machine for row in containers}), 'machine')}"
    others = len(running.rows) - len(containers)
    tasks = f", {plural(others, 'task')} without one" if others else ""
    unasked = f"; {plural(len(running.silent), 'machine')} could not be asked" if running.silent else ""
    return f"{running.cluster}: {counted}{tasks}{unasked}"


def running_document(running: Running) -> PsDocument:
    silent = tuple(SilentDocument(name, reason) for name, reason in running.silent)
    return PsDocument(cluster=running.cluster, containers=running.rows, silent=silent)


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


def record_document(record: LogRecord) -> LogDocument:
    """One object a line."""
    return LogDocument(time=record.time, node=record.node, task=record.task, text=record.text)
