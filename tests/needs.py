"""Programs that some tests cannot do without. They are skipped where one is missing: `make check` needs no Docker."""

from __future__ import annotations

import shutil

import pytest

from deployer.compose import tools
from deployer.errors import DeployerError


def _missing_compiler() -> str:
    try:
        tools.find()
    except DeployerError as error:
        return error.message
    return ""


COMPILER = pytest.mark.skipif(bool(_missing_compiler()), reason=_missing_compiler() or "it is there")
"""Docker's client with its compose plugin, which compile stacks without an engine."""
DOCKER = pytest.mark.skipif(shutil.which("docker") is None, reason="docker's client is not installed")
