"""Values that must not be seen: masked wherever they are printed, revealed only where they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MASK: Final = "[secret]"


@dataclass(frozen=True, repr=False)
class Secret:
    """Text that `str`, `repr`, f-strings and tracebacks show as `[secret]`; only `reveal` gives it away."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__
