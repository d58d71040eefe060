"""Compile stacks' files to engine objects: by Docker's own conversion of compose files, with no engine needed.

    references  every path the files name is a file of the stack; every YAML file passes the guard
    sealing     encrypted files are stood in for; `opening` puts in what they hold, for those who may write
    compiler    `docker compose config`, the dialect (pure), `docker stack deploy` against the recorder
    cache       what was compiled once is not compiled again: with everything in it, no process is started
    together    what compiles one by one and cannot run together: ports, machines, volumes

Docker's converter is the authority on what a compose file means; nothing here re-implements it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.cage.doing import doing
from deployer.cage.switch import unconfined
from deployer.compose import tools
from deployer.compose.cache import open_cache
from deployer.compose.opening import open_stacks
from deployer.compose.outcome import Compiled, Outcome
from deployer.compose.sealing import variable_names
from deployer.compose.side_by_side import run_side_by_side
from deployer.compose.together import problems_together
from deployer.errors import InvalidFilesError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from deployer.compose.cache import Cache
    from deployer.model.stack import StackSource

with defer_imports():
    from deployer.cage import children
    from deployer.compose import compiler

__all__ = ["Compiled", "compile_stacks", "open_stacks", "problems_together"]


def _say_nothing(_line: str) -> None:
    pass


def compile_stacks(
    stacks: Sequence[StackSource], listen: Callable[[str], None] = _say_nothing, cache: Path | None = None
) -> Compiled:
    """The engine objects of all stacks, in their order. `listen` gets a line for each stack that has to be compiled.

    `cache` is the directory of compiled stacks, by default the user's own. Raises `InvalidFilesError` with the problems
    of all stacks (warnings too), and `DeployerError` where Docker's CLI or its compose plugin is missing.
    """
    if not stacks:
        return Compiled((), ())
    found = tools.find()
    kept = open_cache(cache, found.identity)
    outcomes: dict[str, Outcome] = {}
    missing = []
    names = variable_names(stacks)
    for stack in stacks:
        loaded = kept.load(stack, names[stack.name])
        if loaded is None:
            missing.append(stack)
        else:
            outcomes[stack.name] = Outcome(*loaded)
    if missing:
        outcomes |= _compile(missing, names, found, kept, listen)
    problems = sorted({problem for outcome in outcomes.values() for problem in outcome.problems})
    objects = [outcomes[stack.name].objects for stack in stacks]
    complete = tuple(one for one in objects if one is not None)
    if len(complete) < len(objects) or any(problem.severity == "error" for problem in problems):
        raise InvalidFilesError(problems)
    return Compiled(complete, tuple(problems))


def _compile(
    stacks: Sequence[StackSource],
    names: Mapping[str, Mapping[str, tuple[str, ...]]],
    found: tools.Tools,
    kept: Cache,
    listen: Callable[[str], None],
) -> dict[str, Outcome]:
    """Compiles in parallel: the work is in processes of Docker's, the threads wait for them."""
    children.prepare()
    compile_stack = compiler.compile_stack  # imported here, while the warden starts

    def one(stack: StackSource) -> tuple[str, Outcome]:
        with doing(stack.path):
            outcome = compile_stack(stack, found, names[stack.name])
        kept.store(stack, outcome, names[stack.name])
        return stack.name, outcome

    def tell(made: tuple[str, Outcome]) -> None:
        if note := unconfined():
            listen(note)
        listen(f"compiled {made[0]}")

    outcomes = dict(run_side_by_side(one, stacks, tell))
    kept.shelf.prune()
    return outcomes
