"""post-receive: accepted refs in, a deployed commit out. It cannot refuse any more, so what fails is said loudly.

The commit is the one that was pushed, not the one where the branch stands by now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.hooks import pushed, run_log
from deployer.hooks.environment import pusher
from deployer.hooks.pushed import short
from deployer.hooks.settings import gated, settings
from deployer.memory import deployed, runs
from deployer.memory.asked import Asked
from deployer.source import git
from deployer.source.confinement import require_confined
from deployer.source.permission import permission

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.hooks.pushed import Options, Update
    from deployer.hooks.settings import Settings
    from deployer.report.voice import Voice


def post_receive(repo: Path, lines: bytes, environment: dict[str, str], voice: Voice) -> int:
    """The exit code of the deploy, in whose process `voice` is the log; 0 where there is nothing to deploy."""
    options = pushed.options(environment)
    repository = git.find(repo)
    require_confined(repository)
    chosen = settings(repository, options)
    updates = [update for update in pushed.updates(lines) if update.ref == chosen.ref and not update.deletes]
    if not updates or _told_already(repository, chosen, updates[0], options, voice):
        return 0
    update, run = updates[0], run_log.new_run(runs.folder_of(repo))
    ended = run_log.detach(run)
    if ended is not None:
        return ended
    from deployer.hooks.applied import Deploy, carry_out  # noqa: PLC0415 - a push that changes nothing does without

    asked = Asked("push", pusher(environment), options.reason, run.id)
    allowed = permission(repository)
    deploy = Deploy(repo, repository, update, run, asked, options.only, options.consent, allowed)
    return carry_out(deploy, chosen.lock_wait, voice)


def _told_already(repository: git.Repository, chosen: Settings, update: Update, options: Options, voice: Voice) -> bool:
    """Whether nothing is to be deployed, which is said; or proc-receive has deployed it."""
    if options.skip:
        voice.result(f"{short(update.new)} was accepted and not deployed (-o skip). Later: deployer apply")
        return True
    gate = gated(repository, chosen, update.ref)
    same = None if options.only else deployed.unchanged(repository, update.new)
    if gate and (same is None or same.commit == update.new):
        return True
    if same is None or not deployed.still(repository, same, update.new):
        return False
    voice.result(f"Nothing to deploy: {short(update.new)} has the files of {short(same.commit)}")
    return True
