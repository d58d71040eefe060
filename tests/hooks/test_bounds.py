"""A push that takes too much to check, or for which nobody waits: it ends, with everything that it started."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.errors import UsageError
from deployer.source import git
from deployer.source.confinement import bounds
from tests.hooks.conftest import processes
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hooks.conftest import Clone, Server

SECONDS = 60.0


@pytest.fixture(autouse=True)
def _ended(server: Server) -> Iterator[None]:
    """A test that fails leaves no process that runs for ever."""
    yield
    for process in processes(server):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


@pytest.mark.parametrize(
    ("stuck", "setting", "most"),
    [
        ("pattern", "maxCpuSeconds=2", "2 s of processor time"),
        ("pattern", "maxSeconds=2", "2 s"),
        ("sleep", "maxSeconds=2", "2 s"),
        ("child", "maxSeconds=2s", "2 s"),
        ("memory", "maxMemory=256m", "256 MiB of memory"),
    ],
)
def test_what_takes_too_much_is_refused_with_what_it_was_at(
    live: Clone, server: Server, private: Path, stuck: str, setting: str, most: str
) -> None:
    key, _, value = setting.partition("=")
    before = server.head
    server.set("stuck", stuck)
    server.git("config", f"deployer.{key}", value)
    live.stack(f"nginx:{stuck}-{key}")
    done = live.push()
    assert done.code == 1
    assert f"this push takes more than {most} to check; it was at stacks/web/compose.yaml" in done, done.said
    assert f"git config deployer.{key}" in done
    assert "internal error" not in done
    assert server.head == before
    wait_until(lambda: not processes(server), seconds=SECONDS)
    assert list(private.iterdir()) == []


@pytest.mark.parametrize("stuck", ["pattern", "child"])
def test_a_hook_that_is_terminated_ends_with_all_that_it_started(live: Clone, server: Server, stuck: str) -> None:
    before = server.head
    server.set("stuck", stuck)
    live.stack("nginx:terminated")
    with live.pushing() as push:
        hook = _watcher(server)
        os.kill(hook, signal.SIGTERM)
        _, said = push.communicate(timeout=SECONDS)
    assert push.returncode == 1
    assert "terminated" in said
    assert server.head == before
    wait_until(lambda: not processes(server), seconds=SECONDS)


@pytest.mark.parametrize("when", ["while it is judged", "as soon as the hook is there"])
@pytest.mark.parametrize("stuck", ["pattern", "child"])
def test_a_push_for_which_nobody_waits_ends(live: Clone, server: Server, stuck: str, when: str) -> None:
    before = server.head
    server.set("stuck", stuck)
    live.stack("nginx:gone")
    with live.pushing() as push:
        if when == "while it is judged":
            _watcher(server)
        else:
            wait_until(lambda: processes(server), seconds=SECONDS)
        push.kill()
        push.communicate(timeout=SECONDS)  # until nobody has its standard error any more
    wait_until(lambda: not processes(server), seconds=SECONDS)
    assert server.head == before


@pytest.mark.usefixtures("private")  # what is killed leaves its folder
def test_a_hook_that_is_killed_leaves_nobody(live: Clone, server: Server) -> None:
    server.set("stuck", "pattern")
    live.stack("nginx:killed")
    with live.pushing() as push:
        os.kill(_watcher(server), signal.SIGKILL)
        push.communicate(timeout=SECONDS)
    wait_until(lambda: not processes(server), seconds=SECONDS)


def _watcher(server: Server) -> int:
    """The hook that git waits for, once the process that it watches is stuck."""
    found: list[int] = []

    def there() -> bool:
        for process in processes(server):
            words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            parent = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
            if b"pre-receive" in words and b"pre-receive" in Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0"):
                found[:] = [parent]
        return bool(found)

    wait_until(there, seconds=SECONDS)
    return found[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("maxSeconds", "long"),
        ("maxSeconds", "0"),
        ("maxCpuSeconds", "-5"),
        ("maxMemory", "1"),
        ("maxMemory", "100m"),
        ("maxMemory", "2t"),
    ],
)
def test_settings_that_say_nothing(server: Server, key: str, value: str) -> None:
    server.git("config", f"deployer.{key}", value)
    with pytest.raises(UsageError, match=rf"deployer\.{key}: "):
        bounds(git.find(server.path))


def test_settings(server: Server) -> None:
    for key, value in (("maxSeconds", "5m"), ("maxCpuSeconds", "90s"), ("maxMemory", "1G")):
        server.git("config", f"deployer.{key}", value)
    found = bounds(git.find(server.path))
    assert (found.seconds, found.cpu, found.memory) == (300, 90, 1 << 30)
