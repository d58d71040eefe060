"""Addresses that stand for every address of a machine, as engines write them. Nothing here binds one."""

from __future__ import annotations

from typing import Final

ANY_IPV4: Final = "0.0.0.0"  # noqa: S104 - written and recognised, never bound
WILDCARDS: Final = frozenset({ANY_IPV4, "::", ""})
"""Of a published port: the host, whatever its addresses are."""
