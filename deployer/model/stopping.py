"""How a run is asked to stop before its end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

Word = Literal["interrupted", "terminated", "timed out"]
Stop = Callable[[Word], None]
"""Asks the run to stop: the first call lets running steps end, the second one leaves them where they are."""
Stopping = Callable[[Stop], AbstractContextManager[None]]
"""Connects `Stop` to whatever may ask for it (signals, a button) as long as steps run."""


def never_stopped(_: Stop) -> AbstractContextManager[None]:
    """Nobody asks."""
    return nullcontext()
