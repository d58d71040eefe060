"""What is run on a machine, and what came back."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """An argv, and what goes to its standard input; `root` asks for sudo where the user is not root.

    Anything secret goes through `stdin`, which is never printed. `timeout` is in seconds.
    """

    argv: tuple[str, ...]
    stdin: bytes = field(default=b"", repr=False)
    root: bool = False
    timeout: float = 60.0

    def shell(self) -> str:
        """One line for the remote login shell: the only place where arguments are quoted."""
        return shlex.join(self.argv)


@dataclass(frozen=True)
class Completed:
    """A command's end: exit status (negative: a signal's number), standard output, and standard error."""

    status: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.status == 0
