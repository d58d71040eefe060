"""Read the old program's flags, as Go's `flag` package reads them. Pure.

Source: registrator.go at gliderlabs/registrator 6bfadbc; Go's flag package: one or two dashes, `-name=value` or `-name value`,
booleans only as `-name` or `-name=value`, the first word that is no flag ends them, `--` too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from deployer.errors import DeployerError, UsageError
from deployer.registrator.address import Uri, read_uri
from deployer.template.text import EMPTY, Template, TemplateError, read_template

DEREGISTER: Final = ("always", "on-success", "never")
HEALTH: Final = ("check", "register", "ignore")


@dataclass(frozen=True)
class Options:
    """The flags. Times are in seconds but for `retry_interval`, which is in milliseconds, as it always was."""

    uri: Uri
    ip: str = ""
    internal: bool = False
    explicit: bool = False
    useIpFromLabel: str = ""  # noqa: N815 - the flag's own name
    tags: Template = EMPTY
    ttl: int = 0
    ttl_refresh: int = 0
    resync: int = 0
    deregister: str = "always"
    cleanup: bool = False
    retry_attempts: int | None = None
    """None: not given. The old default, 0, gave up at once; ours waits for Consul."""
    retry_interval: int = 2000
    network: str = ""
    health: str = "check"
    swarm: bool = True
    script_checks: bool = False


class WrongUsageError(UsageError):
    """The command line is not understood: the message, then the usage, exit code 2."""


class VersionAsked(Exception):  # noqa: N818 - no error
    """`--version`."""


class HelpAsked(Exception):  # noqa: N818 - no error
    """`-h`, `-help`."""


@dataclass(frozen=True)
class _Flag:
    name: str
    kind: type
    default: str
    text: str


_FLAGS: Final = {
    flag.name: flag
    for flag in (
        _Flag("cleanup", bool, "false", "Remove dangling services, those of an older registrator on this host too"),
        _Flag("deregister", str, "always", 'Deregister exited services "always", "on-success" or "never"'),
        _Flag("explicit", bool, "false", "Only register containers which have SERVICE_NAME label set"),
        _Flag("health", str, "check", 'Docker\'s HEALTHCHECK: "check" in Consul, "register" when healthy, or "ignore"'),
        _Flag("internal", bool, "false", "Use internal ports instead of published ones"),
        _Flag("ip", str, "", "IP for ports mapped to the host"),
        _Flag("network", str, "", "The network whose addresses -internal uses"),
        _Flag("resync", int, "0", "Frequency with which services are resynchronized"),
        _Flag("retry-attempts", int, "", "Max retry attempts to establish a connection with the backend. By default, and with -1, without end"),
        _Flag("retry-interval", int, "2000", "Interval (in millisecond) between retry-attempts."),
        _Flag("script-checks", bool, "false", "Allow containers' SERVICE_CHECK_SCRIPT and _CMD: programs that Consul's agent runs"),
        _Flag("swarm", bool, "true", "On the leading manager: also register what is published through the routing mesh"),
        _Flag("tags", str, "", "Append tags for all registered services (supports Go template)"),
        _Flag("ttl", int, "0", "TTL for services (default is no expiry)"),
        _Flag("ttl-refresh", int, "0", "Frequency with which service TTLs are refreshed"),
        _Flag("useIpFromLabel", str, "", "Use IP which is stored in a label assigned to the container"),
    )
}  # fmt: skip
_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_BITS: Final = 63
"""Go's int on the machines that Docker runs on."""


def read_flags(argv: tuple[str, ...]) -> Options:
    """The options of a command line, without the program's name.

    Raises WrongUsageError (exit 2), HelpAsked (exit 0), VersionAsked (exit 0), DeployerError (exit 1) where a value makes no sense.
    """
    if len(argv) == 1 and argv[0] in {"--version", "-version"}:
        raise VersionAsked
    given, rest = _split(argv)
    if not rest:
        raise WrongUsageError("Missing required argument for registry URI.")
    if len(rest) > 1:
        raise WrongUsageError(
            "Extra unparsed arguments:\n  "
            + " ".join(rest[1:])
            + "\nOptions should come before the registry URI argument."
        )
    values = {name.replace("-", "_"): value for name, value in given.items() if name != "tags"}
    known = {field.name for field in fields(Options)}
    assert values.keys() <= known
    options = Options(
        uri=read_uri(rest[0]), tags=_tags(str(given.get("tags", ""))), **values  # type: ignore[arg-type] # the flag's kind is the field's
    )  # fmt: skip
    _check(options)
    return options


def usage(program: str) -> str:
    """What the old program printed, in the form of Go's PrintDefaults."""
    lines = [f"Usage of {program}:", f"  {program} [options] <registry URI>", ""]
    for flag in _FLAGS.values():
        kind = {bool: "", int: " int", str: " string"}[flag.kind]
        default = "" if flag.default in {"", "0", "false"} else f" (default {_quoted(flag)})"
        lines += [f"  -{flag.name}{kind}", f"    \t{flag.text}{default}"]
    return "\n".join(lines) + "\n"


def _quoted(flag: _Flag) -> str:
    return f'"{flag.default}"' if flag.kind is str else flag.default


def _split(argv: tuple[str, ...]) -> tuple[dict[str, str | int | bool], tuple[str, ...]]:
    """The flags that were given, each read as its kind, and what follows them."""
    given: dict[str, str | int | bool] = {}
    words = list(argv)
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        bare = word[2:] if word.startswith("--") else word[1:]
        if not bare or bare.startswith(("-", "=")):
            raise WrongUsageError(f"bad flag syntax: {word}")
        name, equals, value = bare.partition("=")
        if name not in _FLAGS:
            if name in {"h", "help"}:
                raise HelpAsked
            raise WrongUsageError(f"flag provided but not defined: -{name}")
        flag = _FLAGS[name]
        if not equals and flag.kind is bool:
            value = "true"
        elif not equals:
            if not words:
                raise WrongUsageError(f"flag needs an argument: -{name}")
            value = words.pop(0)
        given[name] = _read(flag, value)
    return given, tuple(words)


def _read(flag: _Flag, value: str) -> str | int | bool:
    if flag.kind is str:
        return value
    if flag.kind is bool:
        if value not in _TRUE | _FALSE:
            raise WrongUsageError(f'invalid boolean value "{value}" for -{flag.name}: parse error')
        return value in _TRUE
    number = _integer(value)
    if number is None:
        raise WrongUsageError(f'invalid value "{value}" for flag -{flag.name}: parse error')
    if not -(1 << _BITS) <= number < 1 << _BITS:
        raise WrongUsageError(f'invalid value "{value}" for flag -{flag.name}: value out of range')
    return number


def _integer(text: str) -> int | None:
    """Go's base 0: Python's, but for the octal numbers that begin with a bare 0, and for spaces around."""
    digits = text.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] in "_01234567"
    try:
        return int(text, 8 if octal else 0) if text == text.strip() and text.isascii() else None
    except ValueError:
        return None


def _check(options: Options) -> None:
    ttl, refresh = options.ttl, options.ttl_refresh
    if (ttl == 0 and refresh > 0) or (ttl > 0 and refresh == 0):
        raise DeployerError("-ttl and -ttl-refresh must be specified together or not at all")
    if 0 < ttl <= refresh:
        raise DeployerError("-ttl must be greater than -ttl-refresh")
    if options.retry_interval <= 0:
        raise DeployerError("-retry-interval must be greater than 0")
    if options.deregister not in DEREGISTER:
        raise DeployerError('-deregister must be "always", "on-success" or "never"')
    if options.health not in HEALTH:
        raise DeployerError('-health must be "check", "register" or "ignore"')


def _tags(text: str) -> Template:
    try:
        return read_template(text, "-tags")
    except TemplateError as error:
        advice = "which functions there are stands in the documentation of the registrator"
        raise DeployerError(str(error), help=advice) from None
