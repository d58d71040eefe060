"""Deploy a pushed commit, and tell the pusher and the log what became of it.

Several pushes wait for the lock. Without a gate the branch has moved already: the newest is deployed, and the others are
told that they were superseded. With one the first is deployed, and the others no longer follow the branch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from deployer.entry import stop_on_signals, wait_for
from deployer.errors import BusyError, DeployerError, InvalidFilesError
from deployer.hooks.pushed import ABSENT, as_options, short
from deployer.memory import runs
from deployer.memory.asked import Asked
from deployer.memory.record import MovedError, Record
from deployer.model.amounts import duration
from deployer.model.run import Scope
from deployer.plan.operations import describe
from deployer.plan.outcome import Failed, Skipped
from deployer.report.push import PushProgress, sum_text
from deployer.source import load_cluster, refs
from deployer.workflow.apply import apply
from deployer.workflow.run import Audience, Trigger
from deployer.workflow.validate import Source

if TYPE_CHECKING:
    from deployer.hooks.pushed import Push, Update
    from deployer.hooks.run_log import Run
    from deployer.memory.runs import Live
    from deployer.model.allowed import Allowed
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan
    from deployer.report.voice import Voice


class SupersededError(DeployerError):
    """The branch has moved on; its newest commit is deployed by whoever pushed that."""

    exit_code = 0


class Ended(NamedTuple):
    """The exit code, and what became of it in one line."""

    code: int
    text: str


@dataclass(frozen=True)
class Deploy:
    """One deploy: what, for whom, and whether it still should be."""

    push: Push
    run: Run
    asked: Asked
    allowed: Allowed
    """What its files may name on this machine."""

    @property
    def update(self) -> Update:
        return self.push.update

    @property
    def only(self) -> tuple[str, ...]:
        return self.push.options.only

    @property
    def commit(self) -> str:
        return short(self.update.new)

    @property
    def stands(self) -> str:
        """Where the branch stands now; empty where it is not there."""
        return refs.value(self.push.repository, self.update.ref)

    def check(self) -> None:
        """Raises SupersededError where the branch stands elsewhere; with a gate BusyError."""
        now, name = self.stands, self.update.name
        if self.push.gate and now != (self.update.old if self.update.old != ABSENT else ""):
            raise BusyError(
                f"{name} was moved to {short(now) or 'nothing'} in the meantime",
                help="fetch, merge or rebase, and push again",
            )
        if not self.push.gate and now != self.update.new:
            raise SupersededError(
                f"Superseded: {name} is at {short(now) or 'nothing'} by now, so {self.commit} is not deployed."
            )

    def superseded(self, voice: Voice) -> None:
        """That it was not deployed is kept as well."""
        cluster = load_cluster(self.push.repo, rev=self.update.new)[1].name
        record = Record(self.push.repo, cluster, self.asked, voice.detail, scope=Scope(self.only))
        record.superseded(self.update.new, f"{self.update.name} is at {short(self.stands) or 'nothing'}")


def carry_out(deploy: Deploy, lock_wait: float, voice: Voice) -> int:
    """The exit code; how it ended stands in the run's own file, too."""
    voice.step(f"run {deploy.run.id}: {deploy.commit}, pushed by {deploy.asked.who}")
    if deploy.asked.reason:
        voice.detail(f"reason: {deploy.asked.reason}")
    with runs.register(deploy.run.log.parent, deploy.asked, deploy.asked.who, deploy.update.new) as live:
        ended = _apply(deploy, lock_wait, voice, live)
        live.ended(*ended)
    return ended.code


def _apply(deploy: Deploy, lock_wait: float, voice: Voice, live: Live) -> Ended:
    began = time.monotonic()
    progress = PushProgress(voice)
    source = Source(deploy.push.repo, deploy.update.new, only=deploy.only, allowed=deploy.allowed)

    def show(plan: Plan) -> None:
        deploy.check()  # what is deployed is in doubt by now, so who pushes later sees that, or is seen here
        progress.show(plan)

    try:
        deploy.check()
        audience = Audience(progress.say, show, progress.listen, stop_on_signals)
        report = wait_for(apply(source, Trigger(deploy.asked, lock_wait, live), audience, deploy.push.options.consent))
    except SupersededError as moved:
        voice.result(moved.message)
        deploy.superseded(voice)
        return Ended(0, moved.message)
    except MovedError as moved:
        progress.end(moved.report)
        return _tell_failure(deploy, moved.message, moved.exit_code, voice, moved.report)
    except InvalidFilesError as error:  # the tools of this machine changed since pre-receive
        voice.problems(error.problems)
        return _tell_failure(deploy, "it is not valid", error.exit_code, voice)
    except KeyboardInterrupt:
        return _tell_failure(deploy, "cancelled before anything was changed", runs.INTERRUPTED, voice)
    except DeployerError as error:
        waited = f"wait longer: git push -o wait=30m; waited {duration(lock_wait)}"
        voice.error(
            error.message, as_options(error.help) if not isinstance(error, BusyError) or deploy.push.gate else waited
        )
        text = error.message if deploy.push.gate else "nothing was changed by this run"
        return _tell_failure(deploy, text, error.exit_code, voice)
    progress.end(report)
    if not report.ok:
        return _tell_failure(deploy, sum_text(report), report.exit_code, voice, report)
    took = duration(time.monotonic() - began)
    what = f"{', '.join(deploy.only)} of {deploy.commit}" if deploy.only else deploy.commit
    done = f"Deployed {what} in {took}" if report.plan.steps else f"{what} is deployed: nothing was to be done"
    voice.result(f"{done}: deployer status" if report.plan.steps else done)
    return Ended(0, done)


def _tell_failure(deploy: Deploy, what: str, code: int, voice: Voice, report: Report | None = None) -> Ended:
    """Without a gate the branch has moved and the cluster has not: the one thing that a pusher must not overlook."""
    if deploy.push.gate:
        text = f"deploy failed: {_why(report) if report else what}"
        if report and any(not isinstance(outcome, Skipped) for outcome in report.outcomes.values()):
            text += f", {_put_back(deploy, voice)}"
        voice.error(
            f"Refused: {deploy.update.name} stays where it is. {text[:1].upper()}{text[1:]}.", f"log: {deploy.run.log}"
        )
        return Ended(code, text)
    voice.error(f"NOT DEPLOYED: {deploy.update.name} is at {deploy.commit}, the cluster is not: {what}.")
    voice.error(
        f"log: {deploy.run.log}", f"again: deployer apply --rev {deploy.commit}, or push a commit that mends it"
    )
    return Ended(code, what)


def _why(report: Report) -> str:
    """`web_api: image not found`, of the first step that failed."""
    failed = [(step, outcome) for step in report.plan.steps if isinstance(outcome := report.outcome(step), Failed)]
    if failed:
        step, outcome = failed[0]
        return f"{describe(step.operation)[0]}: {outcome.reason.partition(';')[0][:80]}"
    if report.plan.blocked:
        return f"{report.plan.blocked[0].subject}: {report.plan.blocked[0].reason[:80]}"
    return report.stopped or "the branch was moved in the meantime"


def _put_back(deploy: Deploy, voice: Voice) -> str:
    """What was begun is undone by applying what the branch says: so git and the cluster agree, whatever happened."""
    branch = deploy.stands
    if not branch:
        return "and there is no commit to go back to"
    voice.step(f"Going back to {short(branch)}")
    progress = PushProgress(voice)

    def show(plan: Plan) -> None:
        if deploy.stands != branch:
            raise SupersededError("the branch has moved on")
        progress.show(plan)

    asked = Asked("rollback", deploy.asked.who, f"the deploy of {deploy.commit} failed", runs.new_id())
    source = Source(deploy.push.repo, branch, only=deploy.only, allowed=deploy.allowed)
    try:
        audience = Audience(progress.say, show, progress.listen, stop_on_signals)
        report = wait_for(apply(source, Trigger(asked, wait_lock=60), audience))
    except SupersededError:
        return "and a later push is deployed now"
    except DeployerError as error:
        voice.error(error.message, error.help)
        return f"and going back to {short(branch)} failed"
    progress.end(report)
    return f"rolled back to {short(branch)}" if report.ok else f"and going back to {short(branch)} failed"
