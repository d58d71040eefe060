"""What `deployer doctor` finds: one thing of this machine that deployer builds on, and what it means where it is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "partly", "missing"]


@dataclass(frozen=True)
class Check:
    name: str
    state: State
    found: str
    """What there is."""
    means: str = ""
    """What is at stake; empty where all is well."""
    help: str = ""
    """What to do; empty where all is well."""
