"""Changes of how engines listen for TLS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.diff.cause import Cause
from deployer.model.subject import OfMachine

if TYPE_CHECKING:
    from deployer.model.field import Field


@dataclass(frozen=True)
class TlsDiffers(OfMachine):
    """The engine is to listen for TLS, with a certificate for `names`, and does not, or otherwise."""

    node: str
    names: tuple[str, ...]
    arguments: str
    cause: Cause
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class TlsSurplus(OfMachine):
    """It listens for TLS by our doing, and git does not say so any more."""

    node: str
    cause: Cause = Cause.GONE
