"""Questions to a person at the terminal."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end a question at once, by KeyboardInterrupt: an event loop would only take note of it while the question blocks it."""
    main = threading.current_thread() is threading.main_thread()  # no other thread may change what a signal does
    before = signal.signal(signal.SIGINT, signal.default_int_handler) if main else None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)
