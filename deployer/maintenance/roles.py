"""A machine's role or availability changed: in its file, at the one place where it stands, or live only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from deployer.diff.cause import Cause
from deployer.diff.change import Blocked
from deployer.document import parse
from deployer.document.edit import inserted, replaced
from deployer.errors import DeployerError, UsageError
from deployer.model.counts import Edited
from deployer.model.field import Field
from deployer.plan.draft import Draft
from deployer.plan.maintenance import member_of, spokesman
from deployer.plan.steps import Plan
from deployer.plan.swarm import UpdateMember
from deployer.source import commit_edited, in_worktree
from deployer.workflow.maintain import Seen, Terms, check_names, maintain, read_desired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.plan.outcome import Report
    from deployer.workflow.run import Audience
    from deployer.workflow.validate import Source

Key = Literal["swarm", "availability"]


def write(source: Source, names: Sequence[str], key: Key, value: str, *, commit: bool) -> list[str]:
    """Set the key in the machines' files; with `commit` in a commit of those alone. What was done, a line each.

    UsageError for names that are none, and for a machine outside the swarm; GuardRefusedError for files that have changes which
    are not committed.
    """
    desired = read_desired(source)
    edited: list[Edited] = []
    for name in check_names(desired.cluster, names):
        node = desired.cluster.node(name)
        if node.role == "none":
            raise UsageError(f"{name} is not part of the swarm", help=f"set `swarm: worker` in {node.path} first")
        present = node.role if key == "swarm" else node.availability
        if present == value:
            continue
        old = in_worktree(source.repo, node.path).read_bytes()
        edited.append(Edited(node.path, old, set_key(node.path, old.decode(), key, value).encode()))
    if not edited:
        return []
    if commit:
        subject = f"{', '.join(names)}: {key} {value}"
        return [f"{one.path}: {key} {value}" for one in edited] + [
            f"committed as {commit_edited(source.repo, edited, subject)[:10]}"
        ]
    for one in edited:
        in_worktree(source.repo, one.path).write_bytes(one.new)
    return [f"{one.path}: {key} {value}, not committed" for one in edited]


def set_key(path: str, text: str, key: Key, value: str) -> str:
    """The file's text with that value, comments and layout kept; read again, since an edit has to mean what it says."""
    document, problems = parse(path, text.encode())
    if document is None or problems:
        raise DeployerError(f"{path} cannot be read", help="deployer validate says where")
    new = replaced(document, text, (key,), value) or inserted(document, text, (), key, value)
    again = parse(path, new.encode())[0] if new else None
    if new is None or again is None or not isinstance(again.value, dict) or again.value.get(key) != value:
        raise DeployerError(
            f"{path} is written in a way that cannot be edited safely", help=f"set `{key}: {value}` by hand"
        )
    return new


async def live(source: Source, names: Sequence[str], key: Key, value: str, audience: Audience, terms: Terms) -> Report:
    """Set it live and nowhere else: the next `apply` takes it back."""
    desired = read_desired(source)
    wanted = check_names(desired.cluster, names)

    async def decide(seen: Seen) -> Plan:
        draft, blocked = Draft(), list[Blocked]()
        for name in wanted:
            member = member_of(seen.observed, name)
            if member is None:
                blocked.append(Blocked(name, "it is not in the swarm, or cannot be asked", "deployer status says more"))
                continue
            now = member.role if key == "swarm" else member.availability
            if now == value:
                continue
            via = spokesman(seen.observed, name)
            role = value if key == "swarm" else member.role
            availability = value if key == "availability" else member.availability
            operation = UpdateMember(
                name, via, "manager" if role == "manager" else "worker", availability, member.labels
            )
            draft.add(operation, Cause.ASKED, (Field("role" if key == "swarm" else key, now, value),))
        purpose = f"{key} {value} of {', '.join(wanted)}"
        steps = () if blocked else tuple(draft.steps)
        plan = Plan(desired.cluster.name, desired.commit, steps, tuple(blocked), purpose=purpose)
        return replace(plan, manager=seen.observed.swarm.via if seen.observed.swarm else "")

    return await maintain(source, desired, decide, audience, replace(terms, drifts=True))
