"""Values that must not be seen: masked wherever they are printed, revealed only where they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MASK: Final = "[secret]"


class Secret:
    """Text that `str`, `repr`, f-strings and tracebacks show as `[secret]`; only `reveal` gives it away.

    No dataclass, and without a `__dict__`: `dataclasses.asdict`, `vars` and JSON encoders would walk into one.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


def revealed(value: Any) -> Any:
    """A JSON value with the text of every `Secret` in it: for what is sent or compared, never for what is shown."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: revealed(one) for key, one in value.items()}
    return [revealed(one) for one in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class SecretFile:
    """A file that is put into a container between its creation and its start; `path` is absolute."""

    path: str
    content: Secret
