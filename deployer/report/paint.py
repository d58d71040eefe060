"""Colour: whether, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Choice = Literal["auto", "always", "never"]
Tone = Literal["bold", "dim", "red", "green", "yellow", "cyan"]

SGR: Final[dict[Tone, str]] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
"""Select Graphic Rendition codes (ECMA-48, 8.3.117); the eight basic colours follow the reader's own theme."""


@dataclass(frozen=True)
class Paint:
    """`paint("text", "red")`: the text, in colour where colour is wanted."""

    on: bool

    def __call__(self, text: str, *tones: Tone) -> str:
        if not self.on or not tones or not text:
            return text
        return f"\x1b[{';'.join(SGR[tone] for tone in tones)}m{text}\x1b[0m"


def wants_colour(choice: str, environment: Mapping[str, str], *, terminal: bool) -> bool:
    """Flag first, then NO_COLOR (no-color.org: any value that is not empty), FORCE_COLOR, TERM=dumb, then the terminal."""
    if choice in {"always", "never"}:
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return terminal and environment.get("TERM") != "dumb"
