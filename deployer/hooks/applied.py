"""A pushed commit in, the cluster as it says out; what the pusher and the log are told of it.

Several pushes wait for the lock: the newest is deployed, and the others are told that they were superseded.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from deployer import workflow
from deployer.errors import BusyError, DeployerError, InvalidFilesError
from deployer.hooks import memory
from deployer.hooks.pushed import short
from deployer.report.push import PushProgress, sum_text
from deployer.report.words import duration
from deployer.source import refs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.hooks.pushed import Update
    from deployer.hooks.run_log import Run
    from deployer.plan.steps import Plan
    from deployer.report.voice import Voice
    from deployer.source.git import Repository


class SupersededError(DeployerError):
    """The branch has moved on; its newest commit is deployed by whoever pushed that."""

    exit_code = 0


class Deploy:
    """One attempt: what is deployed, and whether it still should be."""

    def __init__(self, repo: Path, repository: Repository, update: Update, run: Run) -> None:
        self.repo = repo
        self.repository = repository
        self.update = update
        self.run = run
        self.attempt: memory.Attempt | None = None

    def check(self) -> None:
        """Raises SupersededError where the branch stands elsewhere."""
        now = refs.value(self.repository, self.update.ref)
        if now != self.update.new:
            raise SupersededError(
                f"Superseded: {self.update.name} is at {short(now) or 'nothing'} by now, so {short(self.update.new)} is not deployed."
            )

    def begin(self, plan: Plan) -> None:
        """With the lock held and before the first write."""
        self.attempt = memory.Attempt.begin(self.repository, plan.cluster, self.update.new)
        try:
            self.check()
        except SupersededError:
            self.attempt.withdraw()
            raise


def apply(deploy: Deploy, lock_wait: float, voice: Voice) -> int:
    began = time.monotonic()
    progress = PushProgress(voice)
    commit = short(deploy.update.new)
    source = workflow.Source(deploy.repo, deploy.update.new)

    def show(plan: Plan) -> None:
        deploy.begin(plan)
        progress.show(plan)

    try:
        deploy.check()
        report = workflow.apply(source, progress.say, show, progress.listen, wait_lock=lock_wait)
    except SupersededError as moved:
        voice.result(moved.message)
        return 0
    except InvalidFilesError as error:  # the tools of this machine changed since pre-receive
        voice.problems(error.problems)
        return _failed(deploy, "it is not valid", error.exit_code, voice.error)
    except DeployerError as error:
        advice = (
            f"wait longer: git push -o wait=30m; waited {duration(lock_wait)}"
            if isinstance(error, BusyError)
            else error.help
        )
        voice.error(error.message, advice)
        return _failed(deploy, "nothing was changed by this run", error.exit_code, voice.error)
    progress.end(report)
    if not report.ok:
        return _failed(deploy, sum_text(report), report.exit_code, voice.error)
    if deploy.attempt is not None and not deploy.attempt.succeed():
        voice.error("What is deployed was recorded by another run in the meantime: `git log --all --decorate` shows it")
    took = duration(time.monotonic() - began)
    voice.result(
        f"Deployed {commit} in {took}: deployer status"
        if report.plan.steps
        else f"{commit} is deployed: nothing was to be done"
    )
    return 0


def _failed(deploy: Deploy, what: str, code: int, error: Callable[[str, str], None]) -> int:
    """The branch has moved and the cluster has not: the one thing that a pusher must not overlook."""
    commit = short(deploy.update.new)
    error(f"NOT DEPLOYED: {deploy.update.name} is at {commit}, the cluster is not: {what}.", "")
    error(f"log: {deploy.run.log}", f"again: deployer apply --rev {commit}, or push a commit that mends it")
    return code
