"""`registrator`, and `python -m deployer.registrator`: the command line of the old program."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

from deployer import __version__
from deployer.errors import DeployerError
from deployer.registrator.flags import HelpAsked, VersionAsked, WrongUsageError, read_flags, usage
from deployer.registrator.said import say
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Sequence

with defer_imports():
    from deployer.registrator import run


def main(argv: Sequence[str] | None = None, program: str = "registrator") -> int:
    """Run until SIGTERM or SIGINT; the exit code: 0 stopped or helped, 1 failed, 2 wrong usage."""
    try:
        options = read_flags(tuple(sys.argv[1:] if argv is None else argv))
    except VersionAsked:
        sys.stdout.write(f"{__version__}\n")
        return 0
    except HelpAsked:
        sys.stderr.write(usage(program))
        return 0
    except WrongUsageError as error:
        sys.stderr.write(f"{error.message}\n\n{usage(program)}")
        return error.exit_code
    except DeployerError as error:
        return _failed(error)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    say(f"Starting registrator {__version__} ...")
    # After the flags: a wrong one is said at once, not after half a second of imports.
    try:
        run.Registrator(options, stop).run()
    except DeployerError as error:
        return _failed(error)
    say("Stopped; what is registered stays")
    return 0


def _failed(error: DeployerError) -> int:
    say(error.message + (f" ({error.help})" if error.help else ""))
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
