"""pre-receive: a push in, yes or no out. Refuses what does not validate with its lines, and shows what would be done.

It runs before git's own checks of deletes and non-fast-forwards, and reads the pushed objects where git keeps them apart
until the push is accepted (git-receive-pack, "QUARANTINE ENVIRONMENT").
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from deployer.cage.doing import doing
from deployer.errors import DeployerError, GuardRefusedError, InvalidFilesError, UsageError
from deployer.hooks import pushed
from deployer.hooks.judge import stand_back
from deployer.hooks.pushed import short
from deployer.hooks.settings import settings
from deployer.memory import deployed
from deployer.memory.deployed import DEPLOYED, PREFIX
from deployer.model.amounts import duration, plural
from deployer.source import git, refs
from deployer.source.confinement import bounds, require_confined
from deployer.source.permission import permission
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from deployer.hooks.pushed import Options, Update
    from deployer.model.allowed import Allowed
    from deployer.report.voice import Voice
    from deployer.workflow.validate import Validated

with defer_imports():
    from deployer import entry
    from deployer.report import problems
    from deployer.workflow import plan as workflow_plan
    from deployer.workflow import validate as workflow_validate


REFUSED: Final = 1
SAY_SECONDS: Final = 3.0


class _Asked(NamedTuple):
    """What the push asks for, and what its files may name here."""

    options: Options
    allowed: Allowed


def pre_receive(repo: Path, lines: bytes, environment: dict[str, str], voice: Voice) -> int:
    """0 where the push is accepted. Raises DeployerError, and all its kinds, where it is refused."""
    options = pushed.options(environment)
    updates = pushed.updates(lines)
    repository = git.find(repo)
    require_confined(repository)
    ended = stand_back(bounds(repository))
    if ended is not None:
        return ended
    branch, allowed = settings(repository, options).branch, permission(repository)
    for update in updates:
        _check_name(repository, update, branch)
        _check(repository, update, options, live=_deploys(update, branch))
    bad = sum(
        [not _valid(repo, update, voice, allowed) for update in _branches(updates) if not _deploys(update, branch)]
    )
    for update in updates:
        if not _deploys(update, branch):
            voice.step(f"{update.name}: {_aside(update, branch)}")
            continue
        good = _deployable(repository, repo, update, _Asked(options, allowed), voice)
        bad += not good
    if bad:
        voice.error("Refused: nothing of this push was accepted.")
        return REFUSED
    if options.plan:
        voice.result("Only the plan was asked for (-o plan): nothing was accepted.")
        return REFUSED
    return 0


def _deploys(update: Update, branch: str) -> bool:
    return update.kind == "heads" and update.name == branch


def _branches(updates: Sequence[Update]) -> list[Update]:
    return [update for update in updates if update.kind == "heads" and not update.deletes]


def _aside(update: Update, branch: str) -> str:
    if update.deletes:
        return "deleted; that deploys nothing"
    if update.kind == "heads":
        return f"checked, not deployed: {branch} is the branch that is"
    return f"a {update.kind.removesuffix('s')} deploys nothing"


def _check_name(repository: git.Repository, update: Update, branch: str) -> None:
    """A branch and a tag of one name make both ambiguous, for git here and in every clone: nobody could push the branch any more."""
    other = {"tags": "heads", "heads": "tags"}.get(update.kind)
    if other is None or update.deletes or update.old != pushed.ABSENT:
        return
    taken = refs.values(repository, f"refs/{other}/{update.name}")
    if update.kind == "tags" and (update.name == branch or update.name.startswith("origin/")):
        raise UsageError(f"a tag {update.name!r} would hide the branch of that name", help="give the tag another name")
    if f"refs/{other}/{update.name}" in taken:
        what, is_there = ("tag", "branch") if update.kind == "tags" else ("branch", "tag")
        raise UsageError(
            f"there is a {is_there} {update.name!r}; a {what} of that name would hide it",
            help=f"give the {what} another name",
        )


def _check(repository: git.Repository, update: Update, options: Options, *, live: bool) -> None:
    """What git looks at too late, or not at all."""
    if update.kind == "heads" and not update.deletes and not refs.is_commit(repository, update.new):
        raise UsageError(f"{update.ref} would be no commit", help="push a commit")
    if not live:
        return
    if update.deletes:
        raise GuardRefusedError(
            f"{update.name} is the branch that is deployed, and is not deleted",
            help="to remove a stack, remove its files",
        )
    if update.old == pushed.ABSENT or refs.follows(repository, update.new, update.old):
        return
    known = [update.old, *(id_ for ref, id_ in refs.values(repository, PREFIX).items() if ref.endswith(DEPLOYED))]
    if not options.replaces or not any(id_.startswith(options.replaces) for id_ in known):
        raise GuardRefusedError(
            f"{update.name} is deployed, and {short(update.new)} does not follow {short(update.old)}",
            help="fetch, merge or rebase, and push again; to go back, `git revert`; if it is to be replaced: "
            f"git push --force -o replaces={short(update.old)}",
        )


def _deployable(repository: git.Repository, repo: Path, update: Update, asked: _Asked, voice: Voice) -> bool:
    options = asked.options
    old = "new" if update.old == pushed.ABSENT else short(update.old)
    voice.step(f"{update.name}: {old}..{short(update.new)}")
    same = None if options.plan or options.only else deployed.find_same(repository, update.new)
    if same is not None:
        voice.step(f"No file differs from {short(same.commit)}, which is deployed")
        return True
    validated = _validate(repo, update, voice, asked.allowed, options.only)
    if validated is None:
        return False

    try:
        plan = entry.wait_for(workflow_plan.plan_validated(validated, _say_nothing, options.consent))
    except (GuardRefusedError, UsageError):
        raise
    except InvalidFilesError as error:  # what is encrypted and cannot be opened: the deploy would end with it
        voice.problems(error.problems)
        return False
    except DeployerError as error:  # no reason to refuse: the deploy will say it again, and wait
        voice.error(f"The plan cannot be shown: {error.message}", error.help)
        return True
    voice.plan(plan)
    for guard in plan.refused:
        voice.error(guard.reason, pushed.as_options(guard.help))
    return not plan.refused


def _valid(repo: Path, update: Update, voice: Voice, allowed: Allowed) -> bool:
    """A branch with nothing for us in it is none of our business."""
    if not refs.contents(git.find(repo), update.new):
        return True
    return _validate(repo, update, voice, allowed) is not None


def _validate(
    repo: Path, update: Update, voice: Voice, allowed: Allowed, only: tuple[str, ...] = ()
) -> Validated | None:
    began = time.monotonic()
    source = workflow_validate.Source(repo, update.new, only=only, allowed=allowed)
    try:
        with doing(f"{update.name} at {short(update.new)}"):
            validated = workflow_validate.validate(source, _counting(voice))
    except InvalidFilesError as error:
        voice.problems(error.problems)
        voice.error(f"{update.name} at {short(update.new)} is not valid: {problems.summary(error.problems)}")
        return None
    if validated.warnings:
        voice.problems(validated.warnings)
    sizes = f"{plural(len(validated.objects), 'stack')}, {plural(len(validated.desired.cluster.nodes), 'machine')}"
    voice.step(f"Validated {sizes} ({duration(time.monotonic() - began)})")
    return validated


def _counting(voice: Voice) -> Callable[[str], None]:
    """Stacks that are compiled for the first time take 0.2 s each: with many of them, how far that is."""
    done, said = 0, time.monotonic()

    def count(_line: str) -> None:
        nonlocal done, said
        done += 1
        if time.monotonic() - said > SAY_SECONDS:
            said = time.monotonic()
            voice.detail(f"{done} compiled so far")

    return count


def _say_nothing(_line: str) -> None:
    """What is asked and compiled is no news to a pusher."""
