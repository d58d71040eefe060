"""A push deploys: real git, real hooks, the real cluster."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.standing import Standing

FILE = "stacks/swarmtest/compose.yaml"


class Pushing:
    """A bare repository that deploys, and clones of it."""

    def __init__(self, cluster: Standing, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.server = folder / "server.git"

    def git(self, where: Path, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *args], cwd=where, env=self.cluster.env, capture_output=True, text=True, check=check, timeout=600
        )

    def clone(self, name: str) -> Path:
        self.git(self.folder, "clone", "--quiet", str(self.server), name)
        return self.folder / name

    def change(self, clone: Path, old: str, new: str) -> str:
        text = (clone / FILE).read_text()
        assert text.count(old) == 1, text
        (clone / FILE).write_text(text.replace(old, new))
        self.git(clone, "commit", "--quiet", "--all", "--message", f"{old} -> {new}")
        return self.git(clone, "rev-parse", "HEAD").stdout.strip()

    def push(self, clone: Path, *args: str) -> tuple[int, str]:
        done = self.git(clone, "push", *args, "origin", "main", check=False)
        return done.returncode, done.stderr

    @property
    def head(self) -> str:
        return self.git(self.server, "rev-parse", "main").stdout.strip()

    @property
    def deployed(self) -> str:
        found = self.git(self.server, "for-each-ref", "--format=%(objectname)", "refs/deployer/*/deployed")
        return found.stdout.strip()


@pytest.fixture(scope="module")
def pushing(cluster: Standing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushing]:
    pushing = Pushing(cluster, tmp_path_factory.mktemp("pushing"))
    cluster.must("remote", "init", "--allow", str(cluster.identity_file), str(pushing.server))
    cluster.git("push", str(pushing.server), "main")
    yield pushing
    # The cluster's own repository goes on from where the pushes have left it, with the count that it had.
    clone = pushing.clone("back")
    text = (clone / FILE).read_text()
    before = cluster.git("show", f"HEAD:{FILE}")
    if text.strip() != before:
        (clone / FILE).write_text(f"{before}\n")
        pushing.git(clone, "commit", "--quiet", "--all", "--message", "As before")
        assert pushing.push(clone)[0] == 0
    cluster.git("pull", "--quiet", "--ff-only", str(pushing.server), "main")


def test_the_first_push_of_what_runs_changes_nothing(pushing: Pushing, cluster: Standing) -> None:
    assert pushing.deployed == pushing.head == cluster.git("rev-parse", "HEAD")


def test_a_pushed_count_is_what_runs(pushing: Pushing, cluster: Standing) -> None:
    clone = pushing.clone("scaling")
    commit = pushing.change(clone, "replicas: 3", "replicas: 4")
    code, said = pushing.push(clone, "-o", "reason=more visitors")
    assert code == 0, said
    assert "-----> Plan: 0 to add, 1 to change, 0 to remove" in said
    assert f"=====> Deployed {commit[:10]} in " in said
    assert cluster.replicas()["swarmtest_web"] == "4/4"
    assert pushing.deployed == commit


def test_a_pushed_typo_is_refused_and_nothing_moves(pushing: Pushing, cluster: Standing) -> None:
    before = pushing.head, pushing.deployed, cluster.versions()
    clone = pushing.clone("typo")
    pushing.change(clone, "replicas:", "replcas:")
    code, said = pushing.push(clone)
    assert code == 1
    assert f"{FILE}:" in said
    assert "did you mean 'replicas'?" in said
    assert (pushing.head, pushing.deployed, cluster.versions()) == before


def test_pushes_of_two_clones_end_at_the_last_accepted_commit(pushing: Pushing, cluster: Standing) -> None:
    clones = [pushing.clone("one"), pushing.clone("two")]
    count = next(line.strip() for line in (clones[0] / FILE).read_text().splitlines() if "replicas:" in line)
    for number, clone in enumerate(clones):
        pushing.change(clone, count, f"replicas: {number + 1}")
    argv = ["git", "push", "origin", "main"]
    started = [
        subprocess.Popen(argv, cwd=clone, env=cluster.env, stderr=subprocess.PIPE, text=True) for clone in clones
    ]
    said = []
    for process in started:
        with process:
            said.append(process.communicate(timeout=600)[1])
    accepted = [number for number, process in enumerate(started) if process.returncode == 0]
    assert len(accepted) == 1, said
    assert pushing.deployed == pushing.head
    assert cluster.replicas()["swarmtest_web"] == f"{accepted[0] + 1}/{accepted[0] + 1}"


def test_a_rollback_is_what_runs_and_the_next_push_goes_forward_again(pushing: Pushing, cluster: Standing) -> None:
    clone = pushing.clone("back-and-forth")
    before = pushing.head
    count = next(line.strip() for line in (clone / FILE).read_text().splitlines() if "replicas:" in line)
    was = cluster.replicas()["swarmtest_web"]
    commit = pushing.change(clone, count, "replicas: 5")
    code, said = pushing.push(clone)
    assert code == 0, said
    assert cluster.replicas()["swarmtest_web"] == "5/5", said
    done = cluster.deployer("rollback", "--repo", str(pushing.server), "--reason", "too many")
    assert done.returncode == 0, done.stderr
    assert cluster.replicas()["swarmtest_web"] == was
    assert pushing.deployed == before
    assert f"git revert --no-edit {before[:10]}..HEAD" in done.stderr
    (newest, pushed, *_) = json.loads(cluster.deployer("history", "--json", "--repo", str(pushing.server)).stdout)[
        "runs"
    ]
    assert (newest["via"], newest["commit"], newest["reason"]) == ("rollback", before, "too many")
    assert (pushed["via"], pushed["commit"], pushed["result"]) == ("push", commit, "done")
    shown = cluster.deployer("show", pushed["run"], "--repo", str(pushing.server)).stdout
    assert "~ #1 swarmtest_web: update service, 5 replicas" in shown
    pushing.git(clone, "revert", "--no-edit", "HEAD")
    assert pushing.push(clone)[0] == 0, "git says again what runs"
    assert cluster.replicas()["swarmtest_web"] == was


def test_a_gate_refuses_a_push_whose_deploy_fails_and_the_cluster_is_as_before(
    pushing: Pushing, cluster: Standing
) -> None:
    cluster.deployer("hooks", "install", "--gate", "apply", str(pushing.server), check=True)
    before, clone = pushing.head, pushing.clone("gated")
    try:
        pushing.change(clone, "image: deployer/counter:1", "image: deployer/nosuch:1")
        code, said = pushing.push(clone)
        told = " ".join(said.replace("remote: ", "").split())
        assert code == 1
        assert "! [remote rejected] main -> main (" in told, said
        assert pushing.head == before
        planned = cluster.deployer("plan", "--detailed-exitcode", "--repo", str(pushing.server))
        assert planned.returncode == 0, planned.stdout
        pushing.git(clone, "reset", "--quiet", "--hard", before)
        commit = pushing.change(clone, "replicas:", "replicas:  ")
        code, said = pushing.push(clone)
        assert code == 0, said
        assert pushing.head == pushing.deployed == commit
    finally:
        cluster.deployer("hooks", "install", "--gate", "none", str(pushing.server), check=True)
