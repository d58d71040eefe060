"""Deploys of pushes, as `deployer runs`, `attach` and `cancel` see them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from deployer.memory import history
from tests.hooks.conftest import PATIENCE, PROGRAM, plain
from tests.processes import started

if TYPE_CHECKING:
    from tests.hooks.conftest import Clone, Server


def deployer(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(PROGRAM), *arguments, "--repo", str(server.path)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=server.path, timeout=PATIENCE)


def listed(server: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(deployer(server, "runs", "--json").stdout)["runs"]
    return found


def test_one_runs_one_waits_and_both_can_be_followed_and_cancelled(live: Clone, server: Server) -> None:
    server.hold()
    first = live.stack("nginx:2")
    with live.pushing("-o", "reason=because", "origin", "main") as running:
        server.until(lambda: f"begin {first}" in server.applied)
        second = live.stack("nginx:3")
        with live.pushing() as waiting:
            server.until(lambda: sum(one["state"] == "waiting" for one in listed(server)) == 1)
            waits, runs = listed(server)[:2]
            assert (waits["commit"], runs["commit"], runs["state"]) == (second, first, "running")
            assert (runs["reason"], runs["via"], runs["logged"]) == ("because", "push", True)

            text = deployer(server, "runs").stdout.splitlines()
            assert [line.split()[1] for line in text[1:3]] == ["waiting", "running"]

            assert deployer(server, "cancel", waits["run"]).returncode == 0
            said = plain(waiting.communicate(timeout=PATIENCE)[1])
            assert "cancelled before anything was changed" in " ".join(said.split()), said

            argv = [sys.executable, str(PROGRAM), "attach", runs["run"], "--repo", str(server.path)]
            with started(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=server.path) as attached:
                assert deployer(server, "cancel").returncode == 0, "the one that goes on"
                out, err = attached.communicate(timeout=PATIENCE)
        said = plain(running.communicate(timeout=PATIENCE)[1])
    assert "reason: because" in out
    assert "NOT DEPLOYED" in out
    assert "ended" in err
    assert attached.returncode == 130
    assert "NOT DEPLOYED" in said
    assert f"interrupted {first}" in server.applied
    assert history.entries(server.path)[0].result == "interrupted"
    assert {one["state"] for one in listed(server)} == {"ended"}
    refused = deployer(server, "cancel", runs["run"])
    assert refused.returncode == 1
    assert "does not run" in refused.stderr


def test_an_apply_by_hand_is_listed_and_kept(live: Clone, server: Server) -> None:
    live.stack("nginx:2")
    assert live.push("-o", "skip", "origin", "main").code == 0
    done = deployer(server, "apply", "--reason", "by hand")
    assert done.returncode == 0, done.stderr
    assert (listed(server)[0]["via"], listed(server)[0]["code"]) == ("apply", 0)
    entry = history.entries(server.path)[0]
    assert (entry.via, entry.reason, entry.commit) == ("apply", "by hand", server.head)
    assert server.deployed == server.head
    again = deployer(server, "apply")
    assert again.returncode == 0
    assert len(history.entries(server.path)) == len(listed(server)) == 2, "a run with nothing to do is not kept"
    attached = deployer(server, "attach", entry.run)
    assert attached.returncode == 0
    assert "tells its progress where it was started" in attached.stderr


def test_rollback_goes_back_and_a_push_goes_forward_again(live: Clone, server: Server) -> None:
    before = server.head
    live.stack("nginx:2")
    live.push()
    done = deployer(server, "rollback", "--reason", "slow")
    assert done.returncode == 0, done.stderr
    assert server.images == {"web_web": "nginx:latest"}
    assert server.deployed == before
    assert f"git revert --no-edit {before[:10]}..HEAD" in done.stderr
    newest = history.entries(server.path)[0]
    assert (newest.via, newest.commit, newest.reason) == ("rollback", before, "slow")
    live.commit({"README": "words\n"})
    assert live.push().code == 0
    assert server.images == {"web_web": "nginx:2"}
    assert server.deployed == server.head


def test_rollback_of_one_stack_touches_no_other(live: Clone, server: Server) -> None:
    live.stack("redis:1", "db")
    live.push()
    live.commit({"stacks/web/compose.yaml": "services:\n  web:\n    image: nginx:2\n",
                 "stacks/db/compose.yaml": "services:\n  db:\n    image: redis:2\n"})  # fmt: skip
    live.push()
    done = deployer(server, "rollback", "db")
    assert done.returncode == 0, done.stderr
    assert server.images == {"web_web": "nginx:2", "db_db": "redis:1"}
    assert "-- stacks/db &&" in done.stderr
    entry = history.entries(server.path)[0]
    assert (entry.via, entry.scope.only, list(dict(entry.scope.stacks))) == ("rollback", ("db",), ["db"])
    assert deployer(server, "rollback", "db", "HEAD").returncode == 0
    assert server.images == {"web_web": "nginx:2", "db_db": "redis:2"}
    missing = deployer(server, "rollback", "db", "HEAD~2")
    assert missing.returncode == 2
    assert "has no stack 'db'" in missing.stderr
