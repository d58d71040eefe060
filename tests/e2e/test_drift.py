"""What somebody changes by hand on a real engine is found, field by field, and set back; or left, where that is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e import drift_kinds
from tests.e2e.drift_kinds import KINDS, slug
from tests.waiting import wait_until

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
    script(
        cluster,
        "echo x | docker config create by-hand - >/dev/null; echo x | docker secret create by-hand - >/dev/null",
        "docker network create --driver overlay by-hand >/dev/null",
    )
    yield cluster
    cluster.back_to(before)
    remove = "docker service ls --quiet --filter label=deployer.stack=s | xargs docker service rm >/dev/null"
    script(
        cluster,
        remove,
        "for n in s_default s_extra by-hand; do until docker network rm $n >/dev/null 2>&1; do sleep 0.2; done; done",
        "docker config rm by-hand >/dev/null; docker secret rm by-hand >/dev/null",
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
    # A task that was to stop before it had started runs for a moment: then one service is called unsettled, and nothing drifted.
    wait_until(
        lambda: drifting.deployer("plan", "--detailed-exitcode").returncode == 0,
        saw=lambda: drifting.deployer("plan").stdout,
    )


SETTINGS = "x-deployer:\n  drift: report\n  ignore: [replicas, k05.environment]\n"


def test_drift_is_reported_and_left_beside_a_change_in_git(drifting: Standing) -> None:
    """An image changed by hand stays, a count is an autoscaler's, and what git changes is done."""
    file = drifting.repo / STACK
    whole = file.read_text()
    file.write_text(SETTINGS + whole)
    drifting.commit("Only tell me")
    script(
        drifting,
        "docker service update --detach --quiet --image redis:6 --no-resolve-image s_k01 >/dev/null",
        "docker service update --detach --quiet --env-add HAND=1 --image redis:6 --no-resolve-image s_k05 >/dev/null",
        "docker service update --detach --quiet --label-add hand=1 --env-add MODE=c s_k04 >/dev/null",
        "docker service update --detach --quiet --replicas 1 s_k00 >/dev/null",
        "docker service update --detach --quiet --constraint-add node.role==manager s_k06 >/dev/null",
    )
    planned = drifting.json("plan")
    assert [step for step in planned["steps"] if step["mark"] != "."] == []
    left = {row["service"]: [field["path"] for field in row["fields"]] for row in planned["drifted"]}
    image, env = "TaskTemplate.ContainerSpec.Image", "TaskTemplate.ContainerSpec.Env"
    assert left == {
        "s_k01": [image],
        "s_k04": ["Labels.hand", f"{env}.MODE"],
        "s_k05": [image],
        "s_k06": ["TaskTemplate.Placement.Constraints"],
    }
    assert drifting.deployer("plan").returncode == 0
    assert drifting.deployer("plan", "--detailed-exitcode").returncode == 2
    shown = drifting.deployer("status", "--drift").stdout
    assert f"s_k01 drifted:\n    {image}: redis:6 -> redis:7" in shown

    drifting.edit(STACK, "MODE: a", "MODE: b")
    drifting.edit(STACK, "{team: a}", "{team: b}")
    drifting.commit("And change two fields")
    steps = updates(drifting)
    assert steps["s_k01"]["cause"] == "changed in git"
    assert [field["path"] for field in steps["s_k04"]["fields"] if field["drifted"]] == [f"{env}.MODE"]
    applied = drifting.deployer("apply")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    specs = live(drifting, "s_k00", "s_k01", "s_k04", "s_k05")
    assert specs["s_k00"]["Mode"]["Replicated"]["Replicas"] == 1
    assert specs["s_k01"]["TaskTemplate"]["ContainerSpec"]["Image"] == "redis:6"
    assert specs["s_k04"]["Labels"] | {"hand": "1", "team": "b"} == specs["s_k04"]["Labels"]
    assert "MODE=b" in specs["s_k04"]["TaskTemplate"]["ContainerSpec"]["Env"], "git wins where both changed a field"
    assert "HAND=1" in specs["s_k05"]["TaskTemplate"]["ContainerSpec"]["Env"]
    planned = drifting.json("plan")
    assert [step for step in planned["steps"] if step["mark"] != "."] == []
    assert {row["service"] for row in planned["drifted"]} == {"s_k01", "s_k04", "s_k05", "s_k06"}
    script(drifting, "docker service rm s_k08 >/dev/null")
    planned = drifting.json("plan")
    assert [step for step in planned["steps"] if step["mark"] != "."] == []
    assert [row["fields"] for row in planned["drifted"] if row["service"] == "s_k08"] == [
        [{"path": "Service", "new": "as in git", "drifted": True}]
    ]
    assert "s_k08 drifted:\n    Service: (none) -> as in git" in drifting.deployer("status", "--drift").stdout
    file.write_text(whole)
    drifting.commit("Set it back")
    assert updates(drifting)["s_k01"]["cause"] == "changed in git, and drifted"
    assert drifting.deployer("apply").returncode == 0
    assert drifting.deployer("plan", "--detailed-exitcode").returncode == 0


def test_a_removed_service_is_made_again_and_one_that_lost_our_label_is_left(drifting: Standing) -> None:
    script(
        drifting,
        "docker service rm s_k02 >/dev/null",
        "docker service update --detach --quiet --label-rm deployer.cluster s_k03 >/dev/null",
    )
    planned = drifting.json("plan")
    assert [(step["subject"], step["kind"], step["cause"]) for step in planned["steps"] if step["mark"] != "."] == [
        ("s_k02", "create_service", "drifted")
    ]
    assert [row["subject"] for row in planned["blocked"]] == ["service s_k03"]
    script(drifting, "docker service rm s_k03 >/dev/null")
    assert drifting.deployer("apply").returncode == 0
    assert drifting.deployer("plan", "--detailed-exitcode").returncode == 0


def test_a_saved_plan_is_done_as_it_was_shown_or_not_at_all(drifting: Standing) -> None:
    drifting.edit(STACK, "OTHER: x", "OTHER: y")
    drifting.commit("Another value")
    assert drifting.deployer("plan", "--out", "next.plan").returncode == 0
    script(drifting, "docker service update --detach --quiet --label-add late=1 s_k07 >/dev/null")
    stale = drifting.deployer("apply", "next.plan")
    assert stale.returncode == 4, stale.stderr
    assert "the cluster has moved: s_k07: update service" in stale.stderr
    script(drifting, "docker service update --detach --quiet --label-rm late s_k07 >/dev/null")
    assert drifting.deployer("apply", "next.plan").returncode == 4, "the versions have moved, whatever they say now"
    assert drifting.deployer("plan", "--out", "next.plan").returncode == 0
    applied = drifting.deployer("apply", "next.plan")
    assert applied.returncode == 0, applied.stderr
    assert drifting.deployer("plan", "--detailed-exitcode").returncode == 0
    (drifting.repo / "next.plan").unlink()


def live(cluster: Standing, *services: str) -> dict[str, Any]:
    told = json.loads(cluster.on("master", "docker", "service", "inspect", *services))
    return {one["Spec"]["Name"]: one["Spec"] for one in told}
