"""`python -m deployer`, and the console script."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Run the command line of this process; the exit code."""
    # A plan of a thousand services makes a million objects, hardly any of them in circles: looking for those as often as
    # the interpreter does by itself (every 700) costs a tenth of the time.
    gc.set_threshold(50_000, 20, 20)
    try:
        if len(sys.argv) > 3 and sys.argv[1] in {"machine", "m"} and sys.argv[2] == "ssh" and sys.argv[3][:1] != "-":
            from deployer.machines.quick import enter  # noqa: PLC0415 - for this command alone

            enter(sys.argv[3], sys.argv[4:])
        from deployer.cli.app import app  # noqa: PLC0415 - Ctrl-C may come as early as this
        from deployer.cli.errors import handle_signals, run  # noqa: PLC0415 - see above

        handle_signals()
        return run(app, sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
