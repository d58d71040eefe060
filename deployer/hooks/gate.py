"""proc-receive: the deployed branch moves once its deploy has succeeded; else the push is refused with the reason.

Git calls it for what `receive.procReceiveRefs` names, after pre-receive and with the objects in place, before a ref has
moved (git 2.29). The branch is moved by the run itself, in one step with what is deployed, while the lock is held: so the
next push in line sees it there. Everything that is not deployed falls through to git.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final

from deployer.hooks import pushed
from deployer.hooks.deploy import deploy_apart
from deployer.hooks.environment import pusher
from deployer.hooks.pktline import read_section, write_section
from deployer.hooks.settings import has_gate, settings
from deployer.memory import deployed, runs
from deployer.model.printable import printable
from deployer.source import git, refs
from deployer.source.confinement import require_confined

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.hooks.pushed import Options, Update
    from deployer.report.voice import Voice

LONGEST_REASON: Final = 200
FALL_THROUGH: Final = "option fall-through"


def proc_receive(repo: Path, environment: dict[str, str], voice: Voice, stream: tuple[IO[bytes], IO[bytes]]) -> int:
    """0, and an answer for each ref; in the process that deploys, its exit code."""
    asks, answers = stream
    (version, *_), features = read_section(asks) or [b""], set()
    if b"\0" in version:
        features = set(version.partition(b"\0")[2].split())
    write_section(answers, ["version=1\0push-options" if b"push-options" in features else "version=1"])
    lines = read_section(asks)
    given = (
        [line.decode(errors="backslashreplace") for line in read_section(asks)] if b"push-options" in features else []
    )
    numbered = {f"GIT_PUSH_OPTION_{number}": option for number, option in enumerate(given)}
    options = pushed.options({"GIT_PUSH_OPTION_COUNT": str(len(given)), **numbered})
    repository = git.find(repo)
    require_confined(repository)
    chosen = settings(repository, options)
    told: list[str] = []
    for update in pushed.updates(b"\n".join(lines)):
        if not has_gate(repository, chosen, update.ref) or _falls_through(repository, update, options):
            told += [f"ok {update.ref}", FALL_THROUGH]
            continue
        reason = _refusal(repository, update, atomic=b"atomic" in features)
        if not reason:
            push = pushed.Push(repo, repository, update, options, pusher(environment), gate=True)
            run, code, here = deploy_apart(push, chosen.lock_wait, voice)
            if here:
                return code
            ended = runs.process(run.log.parent, run.id)
            reason = (ended.text if ended and ended.text else f"deploy failed: exit code {code}") if code else ""
        told.append(f"ng {update.ref} {printable(reason)[:LONGEST_REASON]}" if reason else f"ok {update.ref}")
    write_section(answers, told)
    return 0


def _falls_through(repository: git.Repository, update: Update, options: Options) -> bool:
    """What post-receive tells of: nothing is deployed."""
    return (
        update.deletes or options.skip or (not options.only and deployed.find_same(repository, update.new) is not None)
    )


def _refusal(repository: git.Repository, update: Update, *, atomic: bool) -> str:
    if atomic:
        return "--atomic cannot be kept where a deploy decides: push without it"
    if refs.checked_out(repository, update.ref):
        return f"{update.name} is checked out here: a gate needs a bare repository"
    return ""
