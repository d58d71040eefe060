"""The known word that was probably meant by one that is not known."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_COMPARED: Final = 500
"""Known words that are looked at. A comparison takes a tenth of a millisecond, and the words may be a push's."""
LONGEST: Final = 100
"""Characters of the word that are looked at."""


def nearest(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """The one of `known` that is most like `word`; empty where none is. `likeness` is 0 to 1 (difflib.get_close_matches)."""
    close = get_close_matches(word[:LONGEST], list(islice(known, MOST_COMPARED)), n=1, cutoff=likeness)
    return close[0] if close else ""


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "", *, likeness: float = 0.6) -> str:
    """`did you mean 'web'?`, or `otherwise` where no known word is like it."""
    near = nearest(word, known, likeness=likeness)
    return f"did you mean {near!r}?" if near else otherwise
