"""What `deployer doctor` says of cages, for every kernel; and of this one, by trying."""

from __future__ import annotations

import pytest

from deployer.cage import checks, kernel
from deployer.cage.kernel import Kernel
from tests.cage.conftest import needs_cage


@pytest.mark.parametrize(
    ("found", "states"),
    [
        (Kernel(7, True, True), {"files": "ok", "network and processes": "ok", "unix sockets": "ok", "signals": "ok"}),
        (
            Kernel(5, True, True),
            {"files": "ok", "network and processes": "ok", "unix sockets": "ok", "signals": "partly"},
        ),
        (
            Kernel(2, True, True),
            {"files": "partly", "network and processes": "ok", "unix sockets": "ok", "signals": "partly"},
        ),
        (
            Kernel(7, True, False),
            {"files": "ok", "network and processes": "ok", "unix sockets": "partly", "signals": "ok"},
        ),
        (
            Kernel(0, True, True),
            {"files": "missing", "network and processes": "ok", "unix sockets": "partly", "signals": "partly"},
        ),
        (Kernel(4, False, False), {"files": "ok", "network and processes": "missing"}),
    ],
)
def test_each_kernel(found: Kernel, states: dict[str, str]) -> None:
    told = list(checks.walls(found))
    assert {check.name: check.state for check in told} == states
    assert [check.name for check in told if (check.state == "ok") == bool(check.means and check.help)] == []
    assert found.confines == ("missing" not in states.values())


@needs_cage
def test_it_is_tried() -> None:
    if not kernel.look().listens:
        pytest.skip("seccomp cannot ask a supervisor here")
    assert checks.tried().state == "ok"


@needs_cage
def test_what_does_not_hold_is_named(off: None) -> None:
    check = checks.tried()
    assert (check.state, check.found) == ("partly", "was tried, and held in part")
    for what in (
        "read a file",
        "change the mode",
        "use the network",
        "connect to another unix socket",
        "start a process",
    ):
        assert what in check.means
