"""What guards let pass, because somebody named it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Consent:
    """`allow_delete` names removals: stacks, services (`web_api`), networks, machines.

    `replaces` is the deployed commit, or its first digits, where the one that is to be applied does not follow it;
    `going_back`: the command itself says so.
    """

    allow_delete: frozenset[str] = frozenset()
    replaces: str = ""
    going_back: bool = False


NOTHING = Consent()
