"""Writing to standard output and standard error; a reader that went away is no error."""

from __future__ import annotations

import contextlib
import os
from typing import IO

from deployer.errors import DeployerError


class CannotWriteError(DeployerError):
    """A result that nobody gets: standard output is full or closed."""


def emit(stream: IO[str], text: str) -> None:
    """Write a result at once and flush.

    When the reader has gone (`deployer status | head -1`) the rest goes nowhere: the exit code says how the work went, not
    who read along. Any other failure (a full disk) is the user's business: `DeployerError`.
    """
    try:
        stream.write(text)
        stream.flush()
    except (BrokenPipeError, ConnectionResetError):
        silence(stream)
    except OSError as error:
        silence(stream)
        raise CannotWriteError(f"cannot write the output: {error.strerror}") from error


def tell(stream: IO[str], text: str) -> None:
    """Write a line of progress. Nothing that happens to it (a closed terminal, a full disk) stops the work it tells of."""
    with contextlib.suppress(DeployerError):
        emit(stream, text)


def silence(stream: IO[str]) -> None:
    """Point the stream's descriptor at /dev/null, so that what is buffered fails neither now nor at exit."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)


class Telling:
    """A stream whose writes are `tell`: for a library that writes by itself, and from its own thread."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.encoding: str = getattr(stream, "encoding", None) or "ascii"

    def write(self, text: str) -> int:
        tell(self._stream, text)
        return len(text)

    def flush(self) -> None:
        """Each write is flushed."""

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()
