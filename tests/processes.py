"""Processes that tests start: none of them outlives its test, however that ends."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def started(argv: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[Any]]:
    """The process while the block runs; killed at its end, if it still runs: also after a failed assertion, and Ctrl-C.

    Popen's own block would wait for its end instead. `how` is as Popen takes it.
    """
    with subprocess.Popen(argv, **how) as process:
        try:
            yield process
        finally:
            process.kill()
