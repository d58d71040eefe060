"""Whether this run's cages are switched off. Only a repository's own configuration does that, and nothing that is pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

SETTING: Final = "deployer.cage"
OFF: Final = "off"
_ask: Final[list[Callable[[], bool]]] = []
_known: Final[list[bool]] = []


def says_off(setting: str) -> bool:
    """What the text of the setting says; UsageError where it says neither."""
    if setting not in {"", "on", OFF}:
        raise UsageError(f"{SETTING}: {setting[:60]!r} is none of on, off", help=f"git config {SETTING} on")
    return setting == OFF


def switched_off_by(ask: Callable[[], bool]) -> None:
    """From now on `ask` says whether they are off; it is asked once, and not before the first child."""
    _ask[:], _known[:] = [ask], []


def is_off() -> bool:
    if not _known:
        _known.append(bool(_ask) and _ask[0]())
    return _known[0]


_unconfined: Final[list[str]] = []


def note_unconfined() -> None:
    """A child ran without walls."""
    if not _unconfined:
        cause = f"{SETTING} is off" if is_off() else "this machine's kernel cannot confine them"
        _unconfined.append(f"programs that read these files can read yours, too: {cause} (`deployer doctor` says more)")


def unconfined() -> str:
    """What is to be said of it: once, and nothing where every child had its walls."""
    if not _unconfined:
        return ""
    said, _unconfined[0] = _unconfined[0], ""
    return said
