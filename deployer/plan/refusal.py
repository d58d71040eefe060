"""The error that ends a run before its first write, where a guard says no."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import GuardRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.plan.steps import Plan


def refuse(plan: Plan, show: Callable[[Plan], None]) -> None:
    """Show the plan and raise GuardRefusedError with the first reason, where a guard refuses it."""
    if plan.refused:
        show(plan)
        raise GuardRefusedError(plan.refused[0].reason, help=plan.refused[0].help)
