"""What somebody changes by hand on a real engine is found, field by field, and set back; or left, where that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e import drift_kinds
from tests.e2e.drift_kinds import KINDS, slug

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.standing import Standing

STACK = "stacks/s/compose.yaml"


def script(cluster: Standing, *lines: str) -> None:
    """Docker commands on the manager, in one go."""
    cluster.on("master", "sh", "-ec", "\n".join(lines))


def updates(cluster: Standing) -> dict[str, dict[str, Any]]:
    steps = cluster.json("plan")["steps"]
    return {step["subject"]: step for step in steps if step["kind"] == "update_service"}


@pytest.fixture(scope="module")
def drifting(cluster: Standing) -> Iterator[Standing]:
    """A stack of services that do not run, one for each kind of change."""
    before = cluster.git("rev-parse", "HEAD")
    file = cluster.repo / STACK
    file.parent.mkdir()
    file.write_text(drift_kinds.compose())
    cluster.commit("A stack to change by hand")
    applied = cluster.deployer("apply")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    script(cluster, "echo x | docker config create by-hand -", "echo x | docker secret create by-hand -")
    yield cluster
    cluster.git("reset", "--quiet", "--hard", before)
    cluster.deployer("apply", "--allow-delete", "s") if "--allow-delete" in cluster.deployer(
        "apply", "--help"
    ).stdout else None
    script(
        cluster,
        "docker stack rm s >/dev/null 2>&1 || true",
        "docker config rm by-hand; docker secret rm by-hand",
    )


def test_every_kind_of_change_is_found_and_set_back(drifting: Standing) -> None:
    assert drifting.deployer("plan", "--detailed-exitcode").returncode == 0
    script(drifting, *(
        f"docker service update --detach --quiet {one.flags} s_{slug(number)} >/dev/null"
        for number, one in enumerate(KINDS)
    ))  # fmt: skip
    found = updates(drifting)
    told = {
        one.name: (found[f"s_{slug(number)}"]["cause"], sorted({field["path"] for field in found[f"s_{slug(number)}"]["fields"]}))
        for number, one in enumerate(KINDS)
        if f"s_{slug(number)}" in found
    }  # fmt: skip
    assert told == {one.name: ("drifted", sorted(one.paths)) for one in KINDS}
    assert len(found) == len(KINDS)
    assert all(field["drifted"] for step in found.values() for field in step["fields"])
    applied = drifting.deployer("apply")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    planned = drifting.deployer("plan", "--detailed-exitcode")
    assert planned.returncode == 0, planned.stdout
