"""A commit from others is checked by a process of its own before it is applied, which is ended where it takes too much (cage/bounds.py).

What it compiles is kept, so that applying it does not take twice as long.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from deployer.cage.bounds import raise_it, too_much, watch_over
from deployer.errors import DeployerError
from deployer.model.commit import short

if TYPE_CHECKING:
    from deployer.cage.bounds import Bounds
    from deployer.workflow.validate import Source


def judge(source: Source, bounds: Bounds) -> None:
    """Have it checked. What is wrong with its files is not said here: applying it does. DeployerError where it takes too much."""
    told, tell = os.pipe()
    argv = [
        sys.executable,
        "-I",
        "-m",
        "deployer",
        "hook",
        "judge",
        "--tell",
        str(tell),
        "--",
        str(source.repo),
        source.rev,
    ]
    nothing = subprocess.DEVNULL
    try:
        with subprocess.Popen(
            argv, stdin=nothing, stdout=nothing, stderr=nothing, pass_fds=(tell,), start_new_session=True
        ) as process:
            os.close(tell)
            watched = watch_over(process.pid, bounds, told)
    finally:
        os.close(told)
    if watched.beyond:
        raise DeployerError(f"{short(source.rev)} {too_much(watched, bounds)}", help=raise_it(watched))
