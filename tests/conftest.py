"""What holds for all tests."""

import signal
from collections.abc import Generator
from itertools import dropwhile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines are shared and slow at times: how long an example takes says nothing. The same examples for everybody: a test
# that fails does so for its author, not for the next one who runs it.
settings.register_profile("shared", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")
# `make soak` has other examples in each round, which its seed repeats: nothing is remembered between rounds.
settings.register_profile("soak", settings.get_profile("shared"), derandomize=False, database=None)

# Whoever runs the tests under nohup, or in the background of a script, ignores these, and so would every program they start.
for number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


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
