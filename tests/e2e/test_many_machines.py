"""Fifty machines in one list: forty ports of the loopback that accept, most of which answer, and ten that nobody serves."""

from __future__ import annotations

import json
import select
import socket
import threading
from typing import TYPE_CHECKING, Final, Self

from tests.e2e.standing import Standing
from tests.machines.engines import ALONE, closed, served
from tests.remote.sshd import HOST_KEY, USER_KEY

if TYPE_CHECKING:
    from pathlib import Path

SECONDS: Final = 20
"""How long a machine is waited for: enough to reach all of them on a slow machine."""
GOOD, HANGING, MUTE, REFUSING = 25, 5, 10, 10


class Mute:
    """Ports that accept, say nothing, and count how many connections there are at once."""

    def __init__(self, count: int) -> None:
        self._listeners = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(count)]
        self.ports = [listener.getsockname()[1] for listener in self._listeners]
        self.most = 0
        self._ended, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wake.close()
        self._thread.join()

    def _serve(self) -> None:
        clients: set[socket.socket] = set()
        while True:
            ready, _, _ = select.select([self._ended, *self._listeners, *clients], [], [])
            if self._ended in ready:
                break
            for listener in {*ready} & {*self._listeners}:
                clients.add(listener.accept()[0])
            self.most = max(self.most, len(clients))
            for client in {*ready} & clients:
                if not _reads(client):
                    client.close()
                    clients.remove(client)
        for one in (self._ended, *self._listeners, *clients):
            one.close()


def _reads(client: socket.socket) -> bool:
    """Whether it goes on: it may have sent its own greeting."""
    try:
        return bool(client.recv(65536))
    except OSError:
        return False


def test_the_machines_of_a_list_are_asked_side_by_side(tmp_path: Path) -> None:
    """Fifteen of fifty hang: one after the other they would cost 75 s."""
    standing = Standing("many", tmp_path)
    identity = tmp_path / "id"
    identity.write_bytes(USER_KEY.export_private_key())
    identity.chmod(0o600)
    (standing.repo / "cluster" / "nodes").mkdir(parents=True)
    ssh = f"{{user: root, identity_file: {identity}, connect_timeout: 30}}"
    (standing.repo / "cluster" / "cluster.yaml").write_text(f"name: many\nssh: {ssh}\n", "utf-8")
    key = HOST_KEY.export_public_key().decode()
    (standing.repo / "cluster" / "known_hosts").write_text(f"127.0.0.1 {key}", "utf-8")
    with served(*[ALONE] * GOOD, *[None] * HANGING) as ports, Mute(MUTE) as mute:
        ports.extend(mute.ports)
        while len(ports) < GOOD + HANGING + MUTE + REFUSING:
            port = closed()
            ports.extend([port] if port not in ports else [])
        for number, port in enumerate(ports):
            path = standing.repo / "cluster" / "nodes" / f"m{number}.yaml"
            path.write_text(f"address: 127.0.0.1\nswarm: none\nssh: {{port: {port}}}\n", "utf-8")
        ran = standing.deployer("machine", "ls", "--worktree", "--json", "--timeout", f"{SECONDS}", check=True)
    machines = json.loads(ran.stdout)["machines"]
    states = [one["state"] for one in machines]
    assert [one["name"] for one in machines] == [f"m{number}" for number in range(len(ports))]
    assert states == ["Running"] * GOOD + ["Timeout"] * (HANGING + MUTE) + ["Stopped"] * REFUSING
    assert mute.most == MUTE, "machines that say nothing were waited for one after the other"
