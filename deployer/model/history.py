"""The deployed commit, as git knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Place = Literal["follows", "older", "unrelated", "missing"]


@dataclass(frozen=True)
class Deployed:
    """The commit that is deployed, and where the one that is to be applied stands.

    `follows`: in front of it, beside it, or the very same. `older`: it is in the history of what is deployed. `unrelated`:
    they have no commit in common. `missing`: the repository does not have what is deployed, so that it may well be newer.
    """

    commit: str
    place: Place
