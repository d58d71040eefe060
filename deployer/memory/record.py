"""A run into the memory, while it goes on: what is in doubt before the first write, what became of it after the last."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from deployer.errors import BusyError, DeployerError, UsageError
from deployer.execute.broken import BrokenOffError
from deployer.memory.deployed import DEPLOYED, HISTORY, PREFIX, UNFINISHED
from deployer.memory.entry import message, result_of, text_of
from deployer.memory.secrets import hide_secrets
from deployer.model.run import SUPERSEDED, Entry, Scope
from deployer.source import git, refs
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from deployer.memory.asked import Asked
    from deployer.plan.outcome import Report
    from deployer.plan.steps import Plan

with defer_imports():
    from deployer.memory import files as memory_files


TRIES: Final = 5
_Move = tuple[str, str, str]
"""(ref, new, old), as `refs.together` takes them."""
_ID: Final = re.compile("[0-9a-f]{40}")


class MovedError(BusyError):
    """The ref that was to move with the run was moved by somebody else, while `report` was done."""

    def __init__(self, report: Report) -> None:
        super().__init__(
            "the branch was moved by somebody else in the meantime", help="fetch, merge or rebase, and push again"
        )
        self.report = report


class Record:
    """One run. All its refs are moved in one step, each from the value that was seen; who writes at the same time is tried again.

    `asked` names the run and who asked; `secrets` are taken out of what is kept; `drifts`: the cluster is not as git says once the
    run has ended well. Nothing here raises where the memory cannot
    be written: that is said, once. Without a repository (a trial of a bare folder) there is no memory.
    """

    def __init__(
        self,
        repo: Path,
        cluster: str,
        asked: Asked,
        say: Callable[[str], None],
        *,
        scope: Scope = Scope(),  # noqa: B008 - frozen
        secrets: tuple[str, ...] = (),
        drifts: bool = False,
    ) -> None:
        self._cluster = cluster
        self._asked = asked
        self._say = say
        self._scope = scope
        self._secrets = secrets
        self._drifts = drifts
        self._when = datetime.now(UTC)
        self.hide: Callable[[str], str] = partial(hide_secrets, secrets=secrets)
        self._began = time.monotonic()
        self._before: dict[str, str] = {}
        self._begun = False
        self._repository: git.Repository | None
        try:
            self._repository = git.find(repo)
        except UsageError:
            self._repository = None

    def begin(self, plan: Plan) -> None:
        """With the lock held and before the first write: what is deployed is in doubt from now on."""
        self._before, self._begun = self._stands(), True
        if plan.empty:
            return
        mark, deployed = self._ref(UNFINISHED), self._ref(DEPLOYED)
        if _ID.fullmatch(plan.commit):
            self._move([(mark, plan.commit, self._before.get(mark, ""))])
        elif deployed in self._before and not self._scope.live:  # a trial: no commit says what will run
            self._move([(deployed, "", self._before[deployed])])

    def withdraw(self, plan: Plan) -> None:
        """Nothing was done after all."""
        if plan.empty:
            return
        mark, deployed = self._ref(UNFINISHED), self._ref(DEPLOYED)
        if _ID.fullmatch(plan.commit):
            self._move([(mark, self._before.get(mark, ""), plan.commit)])
        elif deployed in self._before and not self._scope.live:
            self._move([(deployed, self._before[deployed], "")])

    def end(self, report: Report) -> bool:
        """Keep the run, where there was something to do. False where the ref that was to move with it stands elsewhere by now."""
        plan = report.plan
        moved = self._asked.move if report.ok else None
        if self._repository is None:
            return moved is None
        try:
            for _ in range(TRIES):
                stands = self._stands()
                moves = self._moves(report, stands)
                if not plan.empty:
                    moves.append(self._kept(self._entry(report, plan.commit), report, stands))
                if moved:
                    moves.append((moved.ref, moved.new, moved.old))
                if not moves or refs.together(self._repository, moves):
                    return True
                if moved and refs.value(self._repository, moved.ref) != moved.old:
                    return False
        except DeployerError as error:
            self._failed(error.message)
        else:
            self._failed("its refs are moved by somebody else all the time, or are not writable")
        return moved is None

    def superseded(self, commit: str, text: str) -> None:
        """Keep that a commit was to be deployed, and was not, since a newer one is."""
        if self._repository is None:
            return
        entry = self._entry(None, commit, text)
        try:
            for _ in range(TRIES):
                if refs.together(self._repository, [self._kept(entry, None, self._stands())]):
                    return
        except DeployerError as error:
            self._failed(error.message)
        else:
            self._failed("its ref cannot be moved")

    def _moves(self, report: Report, stands: dict[str, str]) -> list[_Move]:
        """What `deployed` and `unfinished` become, from where they stand now."""
        deployed, mark, commit = self._ref(DEPLOYED), self._ref(UNFINISHED), report.plan.commit
        moves: list[_Move] = []
        if report.ok and self._scope.live and not self._drifts and stands.get(mark) == commit:
            moves.append((mark, self._before.get(mark, ""), commit))
        if not report.ok or not self._scope.whole or not _ID.fullmatch(commit):
            return moves
        if self._begun and self._before.get(deployed, "") != stands.get(deployed, ""):
            self._say("what is deployed was recorded by another run in the meantime: `deployer history` shows it")
            return moves
        if stands.get(deployed) != commit:
            moves.append((deployed, commit, stands.get(deployed, "")))
        if mark in stands:
            moves.append((mark, "", stands[mark]))
        return moves

    def _entry(self, report: Report | None, commit: str, text: str = "") -> Entry:
        return Entry(
            cluster=self._cluster,
            run=self._asked.run,
            via=self._asked.via,
            commit=commit,
            result=result_of(report) if report else SUPERSEDED,
            who=self._asked.who,
            reason=self._asked.reason,
            began=self._when.isoformat(timespec="seconds"),
            seconds=time.monotonic() - self._began,
            scope=self._scope,
            text=text_of(report) if report else text,
            purpose=(report.plan.purpose or "maintenance") if report and self._scope.live else "",
        )

    def _kept(self, entry: Entry, report: Report | None, stands: dict[str, str]) -> _Move:
        """Writes the commit that keeps the run, after the last run and after the commit that was applied; `history` moves to it."""
        if self._repository is None:
            raise DeployerError("there is no repository")
        history = self._ref(HISTORY)
        tip = stands.get(history, "")
        files = {
            name: hide_secrets(text, self._secrets).encode(errors="replace")
            for name, text in memory_files.files_of(report).items()
        }
        text = hide_secrets(message(entry, report), self._secrets)
        first = tip or refs.write_commit(  # so that along first parents there are runs only
            self._repository, {}, f"Runs of {self._cluster}\n", (), author=self._asked.who, when=self._when
        )
        parents = [first, *([entry.commit] if _ID.fullmatch(entry.commit) else [])]
        new = refs.write_commit(self._repository, files, text, parents, author=self._asked.who, when=self._when)
        return history, new, tip

    def _stands(self) -> dict[str, str]:
        return refs.values(self._repository, f"{PREFIX}{self._cluster}/") if self._repository else {}

    def _move(self, moves: list[_Move]) -> None:
        moves = [(ref, new, old) for ref, new, old in moves if new != old]
        if self._repository and moves and not refs.together(self._repository, moves):
            self._failed(f"{moves[0][0]} cannot be moved")

    def _ref(self, name: str) -> str:
        return f"{PREFIX}{self._cluster}{name}"

    def _failed(self, why: str) -> None:
        self._say(f"this run is not remembered in the repository: {why}")


async def remember(
    record: Record, plan: Plan, show: Callable[[Plan], None], run: Callable[[Plan], Awaitable[Report]]
) -> Report:
    """Run the plan: in doubt before it is shown and done, and what became of it after. What `show` raises ends it before.

    MovedError where the ref that was to move with the run was moved by somebody else.
    """
    record.begin(plan)
    try:
        show(plan)
    except BaseException:
        record.withdraw(plan)
        raise
    try:
        report = await run(plan)
    except BrokenOffError as bug:
        record.end(bug.report)
        raise
    if not record.end(report):
        raise MovedError(report)
    return report
