from __future__ import annotations

import os

import pytest

from deployer.errors import DeployerError
from deployer.report.stream import Telling, emit, tell


def test_a_reader_that_went_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        emit(stream, "x" * 100_000)
        emit(stream, "and again")


def test_a_full_disk_is_said_once_and_stops_no_progress() -> None:
    with open("/dev/full", "w", encoding="utf-8") as stream:  # noqa: PTH123 - a device
        with pytest.raises(DeployerError, match="cannot write the output: No space left on device"):
            emit(stream, "x")
        emit(stream, "into nowhere now")
    with open("/dev/full", "w", encoding="utf-8") as stream:  # noqa: PTH123 - a device
        tell(stream, "x")
        assert Telling(stream).write("four") == 4
