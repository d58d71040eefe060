"""Compare what git says with what the machines say, and plan what makes them the same.

Nothing here is needed before the machines have answered, so this module is imported while they are waited for: see observe.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from deployer.compose.place import Places
from deployer.diff.cluster import diff
from deployer.diff.gone import missing_stacks, with_gone
from deployer.diff.guards import concerning, deployed_commits, refusals
from deployer.diff.held import new_ports, with_held
from deployer.diff.images import wanted_builds, wanted_images, with_digests
from deployer.observe import observe_builds, observe_holders, observe_images
from deployer.plan.build import build_plan
from deployer.plan.only import restrict_plan
from deployer.source import stands, undisturbed

if TYPE_CHECKING:
    from deployer.diff.change import Blocked, Diff
    from deployer.model.consent import Consent
    from deployer.model.desired import Desired
    from deployer.model.observed import Observed
    from deployer.plan.steps import Plan
    from deployer.remote import Link
    from deployer.workflow.validate import Say, Validated


class Compared(NamedTuple):
    """The differences between git and the cluster, and the plan that removes them."""

    differences: Diff
    plan: Plan


async def compare(
    validated: Validated, observed: Observed, link: Link, say: Say, consent: Consent | None = None
) -> Compared:
    """Ask the machines for what only some stacks need to know (images, builds, ports), then compare and plan.

    With `consent` the guards are asked, and the plan has what they refuse; without it nothing is refused.
    """
    desired, objects = validated.desired, validated.objects
    wanted = wanted_images(desired, objects, observed)
    images = await observe_images(wanted, observed.swarm.via if observed.swarm else "", link, say)
    objects = with_digests(desired, objects, observed, images)
    built = await observe_builds(wanted_builds(objects, observed), observed, link)
    differences = diff(desired, objects, observed, built)
    if lacking := missing_stacks(differences, observed):
        same = undisturbed(validated.source.repo, desired.commit, desired.cluster.name, lacking)
        differences = with_gone(differences, desired, same)
    held = await observe_holders(*new_ports(differences, observed, desired.cluster), link)
    differences = _add_places(with_held(differences, observed, desired.cluster, held), desired)
    refused: tuple[Blocked, ...] = ()
    if consent is not None and (changes := concerning(differences, validated.source.only)):
        labelled = deployed_commits(observed, desired.cluster.name)
        deployed = stands(validated.source.repo, desired.commit, desired.cluster.name, labelled)
        refused = refusals(changes, desired, observed, deployed, consent)
    decided = build_plan(differences, desired, objects, observed, refused)
    return Compared(differences, restrict_plan(decided, validated.source.only, desired))


def _add_places(differences: Diff, desired: Desired) -> Diff:
    """Add the place to each change that cannot be made because of something in a stack's file."""
    if not any(one.at for one in differences.blocked):
        return differences
    places = Places({stack.name: stack for stack in desired.stacks})

    def located(one: Blocked) -> Blocked:
        found = places.problem(one.stack, one.at, one.reason) if one.at else None
        return replace(one, place=f"{found.path}:{found.line}:{found.column}") if found else one

    return replace(differences, blocked=tuple(map(located, differences.blocked)))
