"""Desired: the repository at one commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.model.cluster import Cluster
    from deployer.model.problem import Problem
    from deployer.model.stack import StackSource


@dataclass(frozen=True)
class Desired:
    """Machines and stacks at one commit.

    `commit` is the full object id, or `worktree` for trials. `warnings` are problems that refuse nothing.
    """

    commit: str
    cluster: Cluster
    stacks: tuple[StackSource, ...]
    """Sorted by name."""
    warnings: tuple[Problem, ...] = ()
