"""Turn whatever goes wrong into one clear message and an exit code: the only place where errors become text."""

from __future__ import annotations

import errno
import os
import pwd
import select
import signal
import sys
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import typer

from deployer.errors import DeployerError, InvalidFilesError, UsageError
from deployer.model.nearest import nearest
from deployer.report.paint import Paint, wants_colour
from deployer.report.stream import CannotWriteError, silence, tell
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


with defer_imports():
    from deployer.cli import crash
    from deployer.report import encode
    from deployer.report import failure as report
    from deployer.report import failure_document as for_programs

USAGE: Final = 2
USAGE_DETAILED: Final = 64
"""Wrong usage under --detailed-exitcode, where 2 means changes (sysexits.h, EX_USAGE)."""
INTERNAL: Final = 70
INTERRUPTED: Final = 130
TERMINATED: Final = 143
TIMED_OUT: Final = 124
DENIED: Final = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
"""What files and disks refuse is no bug of ours."""
GRACE_SECONDS: Final = 30.0
"""How long after its time-out a run may take to let what it is doing end."""

CommandLineError: Final[type[Exception]] = typer.BadParameter.__mro__[2]
"""Click's ClickException: Typer, which carries its own Click from 0.26 on, exports no name for it."""


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP."""


class TimeUp(KeyboardInterrupt):
    """The time that the command line gave the run is up."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """The run ends after so many seconds, 0: never; while steps run as a first Ctrl-C ends it, GRACE_SECONDS later as a second."""

    def end(_number: int, _frame: object) -> None:
        _end(TimeUp)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, GRACE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def handle_signals() -> None:
    """SIGTERM and a lost terminal end the run as Ctrl-C does, unless whoever started it ignores them (nohup)."""

    def stop(_number: int, _frame: object) -> None:
        _end(Terminated)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)


_ended_by: list[type[KeyboardInterrupt]] = []
"""What came before Ctrl-C's own way was taken."""


def _end(why: type[KeyboardInterrupt]) -> None:
    """As Ctrl-C would end it. While asyncio runs it has a handler for that, which cancels its task (docs.python.org, asyncio-runner,
    "Handling Keyboard Interruption"): an exception in the middle of its loop may lose a task that was about to go on, and the end with it.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not _asyncio_runs() or not callable(handler) or handler is signal.default_int_handler:
        raise why
    _ended_by.append(why)
    signal.raise_signal(signal.SIGINT)


def _asyncio_runs() -> bool:
    asyncio = sys.modules.get("asyncio")  # not imported for this: it costs a third of what `--help` takes
    try:
        return bool(asyncio and asyncio.get_running_loop())
    except RuntimeError:
        return False


VALUES_OF_SSH: Final = frozenset({"--repo", "--rev"})
"""The options of `machine ssh` that a value follows."""


def own_words(argv: Sequence[str]) -> list[str]:
    """The words that this program reads: what follows the machine's name in `machine ssh` is for ssh and for the machine."""
    words = [*argv]
    group = next((at for at, pair in enumerate(pairwise(words)) if pair in {("machine", "ssh"), ("m", "ssh")}), None)
    if group is None:
        return words
    at = group + 2
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in VALUES_OF_SSH else 1
    return words[: at + 1]


def run(app: typer.Typer, argv: Sequence[str]) -> int:
    """Run the command line `argv` and return its exit code. Nothing is raised, no traceback is shown."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a character gets its escape
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _invoke(app, argv)
    except typer.Exit as end:
        code = end.exit_code
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:  # noqa: BLE001 - the one place that catches everything
        code = (
            0
            if isinstance(error, BrokenPipeError) and (_unread(sys.stdout) or _gone(sys.stdout))
            else _failed(argv, error)
        )
    return max(code, _gone(sys.stdout, broken=0))


def _invoke(app: typer.Typer, argv: Sequence[str]) -> int:
    """Click's own way through, without its handling of errors; a shell that asks for completions gets them."""
    command = typer.main.get_command(app)
    if "_DEPLOYER_COMPLETE" in os.environ:
        sys.modules["rich"] = None  # type: ignore[assignment]  # None: "not there". Typer would import it to strip markup
        command.main(list(argv), prog_name="deployer")
    with command.make_context("deployer", list(argv)) as context:
        command.invoke(context)
    return 0


def _failed(argv: Sequence[str], error: BaseException) -> int:
    """Print the failure in the form that the command line asks for."""
    argv = own_words(argv)
    failure = failure_of(error, argv)
    json = ("--json" in argv or _value(argv, "--format") == "json") and not isinstance(error, CannotWriteError)
    events = _value(argv, "--progress") == "json"
    if json or events:
        if json:
            tell(sys.stdout, encode.to_json(for_programs.failure_document(failure)))
        if events:
            tell(sys.stderr, for_programs.failure_event(failure))
    else:
        choice = _value(argv, "--color") or os.environ.get("DEPLOYER_COLOR", "")
        on = wants_colour(choice, os.environ, terminal=sys.stderr.isatty())
        tell(sys.stderr, report.failure_text(failure, Paint(on)))
    return failure.exit_code


def failure_of(error: BaseException, argv: Sequence[str]) -> report.Failure:
    """What an exception says to a user. Anything that is no DeployerError is a bug, and described in a private file."""
    if isinstance(error, KeyboardInterrupt) and _ended_by:
        error = _ended_by.pop(0)()
        _ended_by.clear()
    usage = USAGE_DETAILED if "--detailed-exitcode" in argv else USAGE
    match error:
        case Terminated():
            return report.Failure(TERMINATED, "terminated")
        case TimeUp():
            return report.Failure(TIMED_OUT, "the time of --timeout is up")
        case KeyboardInterrupt() | typer.Abort():
            return report.Failure(INTERRUPTED, "interrupted")
        case CommandLineError():
            return report.Failure(usage, *_usage(error))
        case InvalidFilesError():
            return report.Failure(error.exit_code, error.message, error.help, error.problems)
        case DeployerError():
            code = usage if isinstance(error, UsageError) else error.exit_code
            causes = tuple(_causes(error)) if {"-v", "--verbose"} & {*argv} else ()
            return report.Failure(code, error.message, error.help, causes=causes)
        case BaseExceptionGroup() if error.split(DeployerError)[1] is None:
            return failure_of(error.exceptions[0], argv)
    if isinstance(error, OSError) and error.errno in DENIED and error.filename:
        return report.Failure(
            DeployerError.exit_code, f"{error.filename}: {error.strerror}", _whose(str(error.filename))
        )
    where = crash.write_crash_log(argv, error, os.environ)
    return report.Failure(
        INTERNAL, f"internal error: {type(error).__name__}; details in {where}", "this is a bug: report that file"
    )


def _whose(path: str) -> str:
    """What to do where a file may not be read or written: whose the nearest folder is that can be looked at."""
    for place in (Path(path), *Path(path).parents):
        try:
            owner = place.stat().st_uid
        except OSError:
            continue
        if owner == os.geteuid():
            break
        with suppress(KeyError):
            return f"{place} belongs to {pwd.getpwuid(owner).pw_name}: run as that user, or give it to yours with chown"
    return "check its mode, and its disk"


def _usage(error: Exception) -> tuple[str, str]:
    """Click's message in our form, and what to do about it."""
    context = getattr(error, "ctx", None)
    close = getattr(error, "possibilities", None)
    message = str(error if close else getattr(error, "format_message", error.__str__)()).rstrip(".")
    if close:
        close = nearest(str(getattr(error, "option_name", "")), close, likeness=0.0)
    hint = f"did you mean {close}?" if close else f"{context.command_path} --help" if context else ""
    return message[:1].lower() + message[1:], hint


def _causes(error: BaseException) -> Iterator[str]:
    cause = error.__cause__ or error.__context__
    while cause:
        yield f"{type(cause).__name__}: {cause}"
        cause = cause.__cause__ or cause.__context__


def _value(argv: Sequence[str], option: str) -> str | None:
    """What a command line that may not even parse gives for an option."""
    for word, following in zip(argv, [*argv[1:], None], strict=False):
        if word == "--":
            break
        if word == option or word.startswith(f"{option}="):
            return following if word == option else word.partition("=")[2]
    return None


def _unread(stream: IO[str]) -> bool:
    """Whether the reader of a pipe has gone: a write may have failed already, with nothing left to flush."""
    try:
        reader = select.poll()
        reader.register(stream.fileno(), 0)  # an error is told without being asked for
        gone = bool(reader.poll(0))
    except (OSError, ValueError):
        return False
    if gone:
        silence(stream)
    return gone


def _gone(stream: IO[str], *, broken: int = 1) -> int:
    """0 where `stream` takes what is left; `broken` where its reader has gone; 1 where it cannot be written."""
    try:
        stream.flush()
    except BrokenPipeError:
        silence(stream)
        return broken
    except OSError:
        silence(stream)
        return 1
    return 0
