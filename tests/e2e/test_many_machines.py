"""Fifty machines in one list: forty SSH servers on the loopback, most of which answer, and ten ports that nobody serves."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Final

from tests.e2e.standing import Standing
from tests.machines.engines import ALONE, closed, mute, served
from tests.remote.sshd import HOST_KEY, USER_KEY

if TYPE_CHECKING:
    from pathlib import Path

SECONDS: Final = 5.0
GOOD, HANGING, MUTE, REFUSING = 25, 5, 10, 10


def test_the_list_of_fifty_machines_is_bounded_by_the_slowest_and_not_by_the_sum(tmp_path: Path) -> None:
    """Fifteen of them hang: one after the other they would cost 75 s."""
    standing = Standing("many", tmp_path / "repo", tmp_path / "xdg")
    identity = tmp_path / "id"
    identity.write_bytes(USER_KEY.export_private_key())
    identity.chmod(0o600)
    (standing.repo / "cluster" / "nodes").mkdir(parents=True)
    ssh = f"{{user: root, identity_file: {identity}, connect_timeout: 30}}"
    (standing.repo / "cluster" / "cluster.yaml").write_text(f"name: many\nssh: {ssh}\n", "utf-8")
    key = HOST_KEY.export_public_key().decode()
    (standing.repo / "cluster" / "known_hosts").write_text(f"127.0.0.1 {key}", "utf-8")
    with served(*[ALONE] * GOOD, *[None] * HANGING) as ports, contextlib.ExitStack() as stack:
        ports.extend(stack.enter_context(mute()) for _ in range(MUTE))
        while len(ports) < GOOD + HANGING + MUTE + REFUSING:
            port = closed()
            ports.extend([port] if port not in ports else [])
        for number, port in enumerate(ports):
            path = standing.repo / "cluster" / "nodes" / f"m{number}.yaml"
            path.write_text(f"address: 127.0.0.1\nswarm: none\nssh: {{port: {port}}}\n", "utf-8")
        began = time.monotonic()
        ran = standing.deployer("machine", "ls", "--worktree", "--json", "--timeout", f"{SECONDS:g}", check=True)
        took = time.monotonic() - began
    machines = json.loads(ran.stdout)["machines"]
    states = [one["state"] for one in machines]
    assert [one["name"] for one in machines] == [f"m{number}" for number in range(len(ports))]
    assert states == ["Running"] * GOOD + ["Timeout"] * (HANGING + MUTE) + ["Stopped"] * REFUSING
    print(f"50 machines, 15 of which hang for {SECONDS:g} s: {took:.1f} s")
    assert took < 2 * SECONDS
