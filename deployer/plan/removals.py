"""Steps that take something away.

What git does not have any more goes last, in the reverse order of its making, and only when everything of its stack has
succeeded: what is removed cannot be gone back to. What stands in the way of something new goes before that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.diff.stacks import NetworkReplaced, ObjectMissing, ObjectSurplus, ServiceReplaced, ServiceSurplus
from deployer.plan.stacks import RemoveObject, RemoveService, ReplaceNetwork, RollBackStack, rooms

if TYPE_CHECKING:
    from deployer.diff.change import Diff
    from deployer.plan.draft import Draft


def make_room(draft: Draft, diff: Diff, machines: tuple[int, ...]) -> None:
    """Add the steps that remove services which hold a port or network that another needs, and that replace networks.

    Nothing is taken down before everything is there that it takes to bring it up again.
    """
    ready = [(change.kind, change.name) for change in diff.changes if isinstance(change, ObjectMissing)]
    before = [("swarm", ""), *ready]
    for gone in diff.changes:
        if isinstance(gone, ServiceSurplus) and gone.room_for:
            operation = RemoveService(gone.stack, gone.name, gone.seen)
            number = draft.add(operation, gone.cause, makes=("gone", gone.name), needs=before, follows=machines)
            draft.made["room", f"{gone.room_for} {gone.name}"] = number
    for network in diff.changes:
        if not isinstance(network, NetworkReplaced):
            continue
        for down in diff.changes:
            if isinstance(down, ServiceReplaced) and down.network == network.name:
                draft.add(
                    RemoveService(down.stack, down.name, down.seen, network.name),
                    down.cause,
                    makes=("room", f"{network.name} {down.name}"),
                    needs=before,
                    follows=machines,
                )
        draft.add(
            ReplaceNetwork(network.stack, network.name, network.id, network.body),
            network.cause,
            network.fields,
            makes=("network", network.name),
            needs=[*before, *rooms(draft, network.name)],
            follows=machines,
        )


def remove_surplus(draft: Draft, diff: Diff) -> None:
    """Add the last steps: removals. A stack that goes waits for all others, as one of them may take its place."""
    everything = tuple(step.number for step in draft.steps)
    of_stacks = {
        step.number: step.operation.stack
        for step in draft.steps
        if step.operation.stack and not isinstance(step.operation, RollBackStack)
    }

    def needed(stack: str, *, whole: bool) -> list[int]:
        return [number for number, name in of_stacks.items() if whole or name == stack]

    going = [change for change in diff.changes if isinstance(change, ServiceSurplus) and not change.room_for]
    for gone in sorted(going, key=lambda change: (change.stack, change.name), reverse=True):
        draft.add(
            RemoveService(gone.stack, gone.name, gone.seen),
            gone.cause,
            makes=("gone", gone.name),
            needed=needed(gone.stack, whole=gone.whole),
            follows=everything,
        )
    for left in diff.changes:
        if isinstance(left, ObjectSurplus):
            services = [
                ("gone", change.name)
                for change in diff.changes
                if isinstance(change, ServiceSurplus) and change.stack == left.stack
            ]
            draft.add(
                RemoveObject(left.kind, left.stack, left.name, left.id),
                left.cause,
                needs=services,
                needed=needed(left.stack, whole=left.whole),
                follows=everything,
            )
