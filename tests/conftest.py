"""What holds for all tests."""

import os
import signal
import tempfile
from collections.abc import Generator, Iterator
from itertools import dropwhile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines are shared and slow at times: how long an example takes says nothing. The same examples for everybody: a test
# that fails does so for its author, not for the next one who runs it.
settings.register_profile(
    "shared", max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared")
# `make soak` has other examples in each round, which its seed repeats: nothing is remembered between rounds.
settings.register_profile("soak", settings.get_profile("shared"), max_examples=100, derandomize=False, database=None)

SLOW = {
    "bench": ("test_running",),
    "cage": ("test_canary", "test_files", "test_network", "test_processes", "test_without"),
    "cli": ("test_lock_process", "test_process"),
    "compose": (
        "test_attacks", "test_compiler", "test_complaints", "test_counts", "test_differential", "test_examples", "test_literal",
        "test_project", "test_references", "test_sealing", "test_together",
    ),
    "document": ("test_fuzz", "test_hostile"),
    "encrypted": ("test_confined", "test_files", "test_hostile", "test_program", "test_services"),
    "execute": ("test_signals",),
    "machines": ("test_adding", "test_commands", "test_contexts", "test_listing", "test_quick"),
    "registrator": ("test_hostile_containers", "test_hostile_engine"),
    "remote": ("test_by_openssh", "test_ports", "test_ssh_connect", "test_ssh_connection"),
    "soak": ("test_soak",),
    "source": ("test_fuzz", "test_remotes"),
    "tests": ("test_package",),
    "watch": ("test_judged", "test_process", "test_service"),
    "workflow": ("test_look",),
}  # fmt: skip
"""By folder, the files that take seconds, as they start programs (docker, sops, ssh, our own) or read what is very large.

`make test` has the time for them, `make check` has not. All of tests/hooks belongs to them.
"""

# Whoever runs the tests under nohup, or in the background of a script, ignores these, and so would every program they start.
for number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.parent.name
        if folder == "hooks" or item.path.stem in SLOW.get(folder, ()):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A native traceback begins at the test, not thirty lines of the runner's own before it."""
    if call.excinfo:
        here = Path(__file__).parent
        own = list(dropwhile(lambda entry: here not in Path(entry.path).parents, call.excinfo.traceback))
        if own:
            call.excinfo.traceback = type(call.excinfo.traceback)(own)
    return (yield)


# A unix socket's path may have 107 bytes: below a long TMPDIR there is no room for the names of tests.
if len(tempfile.gettempdir()) > len("/var/tmp/x"):
    os.environ["PYTEST_DEBUG_TEMPROOT"] = os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"

KEPT = ("PATH", "TMPDIR", "TZ", "USER", "LOGNAME", "SHELL", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
KEPT_BEGINNINGS = ("PYTEST_", "PYTHON", "VIRTUAL_ENV", "COVERAGE_", "HYPOTHESIS_")


@pytest.fixture(scope="session", autouse=True)
def _surroundings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of whoever runs the tests counts: no home, no git or Docker configuration, no proxy, no terminal's width.

    The end-to-end tests use this machine's engine, as its user reaches it.
    """
    if any(item.path.is_relative_to(Path(__file__).with_name("e2e")) for item in request.session.items):
        yield
        return
    before = dict(os.environ)
    home = tmp_path_factory.mktemp("home")
    plugins = Path(before.get("DOCKER_CONFIG") or Path(before.get("HOME") or "/", ".docker"), "cli-plugins")
    if plugins.is_dir():  # programs, and as such no configuration
        (home / ".docker").mkdir()
        (home / ".docker/cli-plugins").symlink_to(plugins.resolve())
    for name in before:
        if name not in KEPT and not name.startswith(KEPT_BEGINNINGS):
            del os.environ[name]
    os.environ |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
