"""Who holds a lock: what a run writes into it, and what others read there."""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Final, Self

from deployer.model.amounts import rough_duration
from deployer.model.printable import printable

LONGEST: Final = 200
"""Characters of a field that are believed: whoever may write the key may write anything."""
UNKNOWN: Final = "somebody"


@dataclass(frozen=True)
class Holder:
    """A run that has, or had, a lock. All of it is text for people; `id` names this one hold and no other."""

    id: str
    """Of a file's lock the run's own name, of Consul's its session."""
    who: str
    """`user@host`"""
    pid: str
    commit: str
    since: str
    """ISO 8601, UTC."""
    run: str
    """`20260822-141503-7f3a`"""
    ended: str = ""
    """When it let go. Empty while it holds the lock, and for ever where it died with it."""

    def __str__(self) -> str:
        """`ann@laptop (process 4242, commit 1a2b3c4d5e, for 3 min 12 s, since 2026-08-22T14:15:03+00:00)`"""
        told = [
            f"process {self.pid}" if self.pid else "",
            f"commit {self.commit}" if self.commit else "",
            f"for {rough_duration(held)}" if (held := self.seconds) is not None else "",
            f"since {self.since}" if self.since else "",
        ]
        words = ", ".join(filter(None, told))
        return self.who + (f" ({words})" if words else "")

    @property
    def seconds(self) -> float | None:
        """How long it has been held, as far as the clocks agree; None where it does not say."""
        try:
            return max((datetime.now(UTC) - datetime.fromisoformat(self.since)).total_seconds(), 0.0)
        except (ValueError, TypeError):
            return None

    @property
    def breakable(self) -> bool:
        """Whether `deployer unlock` can take it away: a file's lock is the kernel's business."""
        return bool(self.id) and self.id != self.run

    def encoded(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    def told(self) -> dict[str, str]:
        """Its fields, as `--json` shows them."""
        return {name: value for name, value in asdict(self).items() if name != "ended"}

    def letting_go(self) -> Self:
        return replace(self, ended=now())

    def under(self, id_: str) -> Self:
        """The same, in a lock that has ids of its own."""
        return replace(self, id=id_)


def this_run(commit: str, run: str) -> Holder:
    """What this process writes into the locks that it takes; `run` is the run's name (memory.runs.new_id)."""
    return Holder(run, whoami(), str(os.getpid()), commit[:10], now(), run)


def whoami() -> str:
    """`user@host`, for others to find."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_holder(data: bytes) -> Holder | None:
    """The holder that `data` names, every field made safe to show; None where there is none."""
    if not data:
        return None
    try:
        told = json.loads(data)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        told = {}
    fields = {name: _field(told.get(name)) for name in Holder.__dataclass_fields__}
    fields["who"] = fields["who"] or UNKNOWN
    if not re.fullmatch("[0-9]{1,10}", fields["pid"]):
        fields["pid"] = ""
    return Holder(**fields)


def _field(value: object) -> str:
    return printable(value[:LONGEST]) if isinstance(value, str) else ""
