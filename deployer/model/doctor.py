"""What `deployer doctor` finds: one thing of this machine that deployer builds on, and what it means where it is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "partly", "missing"]


@dataclass(frozen=True)
class Check:
    """`found` is what there is. `means` and `help` are empty where all is well: what is at stake, and what to do."""

    name: str
    state: State
    found: str
    means: str = ""
    help: str = ""
