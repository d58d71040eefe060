"""post-receive: accepted refs in, a deployed commit out. It cannot refuse any more, so what fails is said loudly.

The commit is the one that was pushed, not the one where the branch stands by now.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.hooks import pushed, run_log
from deployer.hooks.environment import pusher
from deployer.hooks.pushed import short
from deployer.hooks.settings import settings
from deployer.memory import deployed
from deployer.memory.asked import Asked
from deployer.source import git

if TYPE_CHECKING:
    from deployer.report.voice import Voice

RUNS: Final = Path("deployer", "runs")
"""In the git directory."""


def post_receive(repo: Path, lines: bytes, environment: dict[str, str], voice: Voice) -> int:
    """The exit code of the deploy, in whose process `voice` is the log; 0 where there is nothing to deploy."""
    options = pushed.options(environment)
    repository = git.find(repo)
    chosen = settings(repository, options)
    updates = [update for update in pushed.updates(lines) if update.ref == f"refs/heads/{chosen.branch}"]
    if not updates or updates[0].deletes:
        return 0
    update = updates[0]
    if options.skip:
        voice.result(f"{short(update.new)} was accepted and not deployed (-o skip). Later: deployer apply")
        return 0
    same = None if options.only else deployed.unchanged(repository, update.new)
    if same is not None and deployed.still(repository, same, update.new):
        voice.result(f"Nothing to deploy: {short(update.new)} has the files of {short(same.commit)}")
        return 0
    run = run_log.new_run(Path(repository.common) / RUNS)
    ended = run_log.detach(run)
    if ended is not None:
        return ended
    voice.step(f"run {run.id}: {short(update.new)}, pushed by {pusher(environment)}")
    if options.reason:
        voice.detail(f"reason: {options.reason}")
    from deployer.hooks.applied import Deploy, apply  # noqa: PLC0415 - a push that changes nothing does without

    asked = Asked("push", pusher(environment), options.reason, run.id)
    return apply(Deploy(repo, repository, update, run, asked, options.only), chosen.lock_wait, voice)
