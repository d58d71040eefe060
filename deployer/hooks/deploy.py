"""post-receive: deploy what was pushed. It cannot refuse any more, so it says loudly what fails.

The commit is the one that was pushed, not the one where the branch stands by now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from deployer.hooks import pushed, run_log
from deployer.hooks.environment import pusher
from deployer.hooks.pushed import Push, short
from deployer.hooks.settings import has_gate, settings
from deployer.memory import deployed, runs
from deployer.memory.asked import Asked, Move
from deployer.source import git
from deployer.source.confinement import require_confined
from deployer.source.permission import permission
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.hooks.pushed import Options, Update
    from deployer.hooks.settings import Settings
    from deployer.report.voice import Voice

with defer_imports():
    from deployer.hooks import deployment


def post_receive(repo: Path, lines: bytes, environment: dict[str, str], voice: Voice) -> int:
    """The exit code of the deploy, in whose process `voice` is the log; 0 where there is nothing to deploy."""
    options = pushed.options(environment)
    repository = git.find(repo)
    require_confined(repository)
    chosen = settings(repository, options)
    updates = [update for update in pushed.updates(lines) if update.ref == chosen.ref and not update.deletes]
    if not updates or _tell_if_nothing(repository, chosen, updates[0], options, voice):
        return 0
    return deploy_apart(Push(repo, repository, updates[0], options, pusher(environment)), chosen.lock_wait, voice).code


class Apart(NamedTuple):
    """How a deploy ended. `here`: in this very process, which has nothing else to do; else in one that this process followed."""

    run: run_log.Run
    code: int
    here: bool


def deploy_apart(push: Push, lock_wait: float, voice: Voice) -> Apart:
    """Deploy in a process that outlives whoever pushed. Returns twice: in that process, and in the one that follows its log."""
    run = run_log.new_run(runs.folder_of(push.repo))
    code = run_log.detach(run)
    if code is not None:
        return Apart(run, code, here=False)
    update = push.update
    move = Move(update.ref, update.new, "" if update.old == pushed.ABSENT else update.old) if push.gate else None
    asked = Asked("push", push.who, push.options.reason, run.id, move)
    deploy = deployment.Deploy(push, run, asked, permission(push.repository))
    return Apart(run, deployment.carry_out(deploy, lock_wait, voice), here=True)


def _tell_if_nothing(
    repository: git.Repository, chosen: Settings, update: Update, options: Options, voice: Voice
) -> bool:
    """Whether nothing is to be deployed, which is said; or proc-receive has deployed it."""
    if options.skip:
        voice.result(f"{short(update.new)} was accepted and not deployed (-o skip). Later: deployer apply")
        return True
    gate = has_gate(repository, chosen, update.ref)
    same = None if options.only else deployed.find_same(repository, update.new)
    if gate and (same is None or same.commit == update.new):
        return True
    if same is None or not deployed.record_same(repository, same, update.new):
        return False
    voice.result(f"Nothing to deploy: {short(update.new)} has the files of {short(same.commit)}")
    return True
