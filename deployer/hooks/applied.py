"""A pushed commit in, the cluster as it says out; what the pusher and the log are told of it.

Several pushes wait for the lock: the newest is deployed, and the others are told that they were superseded.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer import workflow
from deployer.errors import BusyError, DeployerError, InvalidFilesError
from deployer.hooks.pushed import short
from deployer.memory.record import Record
from deployer.model.run import Scope
from deployer.report.push import PushProgress, sum_text
from deployer.report.words import duration
from deployer.source import refs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.hooks.pushed import Update
    from deployer.hooks.run_log import Run
    from deployer.memory.asked import Asked
    from deployer.plan.steps import Plan
    from deployer.report.voice import Voice
    from deployer.source.git import Repository


class SupersededError(DeployerError):
    """The branch has moved on; its newest commit is deployed by whoever pushed that."""

    exit_code = 0


@dataclass(frozen=True)
class Deploy:
    """One deploy: what, for whom, and whether it still should be."""

    repo: Path
    repository: Repository
    update: Update
    run: Run
    asked: Asked
    only: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises SupersededError where the branch stands elsewhere."""
        now = refs.value(self.repository, self.update.ref)
        if now != self.update.new:
            raise SupersededError(
                f"Superseded: {self.update.name} is at {short(now) or 'nothing'} by now, so {short(self.update.new)} is not deployed."
            )

    def superseded(self, say: Callable[[str], None]) -> None:
        """That it was not deployed is kept as well."""
        now = refs.value(self.repository, self.update.ref)
        cluster = workflow.cluster_name(workflow.Source(self.repo, self.update.new))
        scope = Scope(self.only)
        record = Record(self.repo, cluster, self.asked, say, scope=scope)
        record.superseded(self.update.new, f"{self.update.name} is at {short(now) or 'nothing'}")


def apply(deploy: Deploy, lock_wait: float, voice: Voice) -> int:
    began = time.monotonic()
    progress = PushProgress(voice)
    commit = short(deploy.update.new)
    source = workflow.Source(deploy.repo, deploy.update.new, only=deploy.only)

    def show(plan: Plan) -> None:
        deploy.check()  # what is deployed is in doubt by now, so who pushes later sees that, or is seen here
        progress.show(plan)

    try:
        deploy.check()
        report = workflow.apply(source, progress.say, show, progress.listen, wait_lock=lock_wait, asked=deploy.asked)
    except SupersededError as moved:
        voice.result(moved.message)
        deploy.superseded(voice.detail)
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
    took = duration(time.monotonic() - began)
    what = f"{', '.join(deploy.only)} of {commit}" if deploy.only else commit
    voice.result(
        f"Deployed {what} in {took}: deployer status"
        if report.plan.steps
        else f"{what} is deployed: nothing was to be done"
    )
    return 0


def _failed(deploy: Deploy, what: str, code: int, error: Callable[[str, str], None]) -> int:
    """The branch has moved and the cluster has not: the one thing that a pusher must not overlook."""
    commit = short(deploy.update.new)
    error(f"NOT DEPLOYED: {deploy.update.name} is at {commit}, the cluster is not: {what}.", "")
    error(f"log: {deploy.run.log}", f"again: deployer apply --rev {commit}, or push a commit that mends it")
    return code
