"""Read a hook's standard input and push options. Everything is hostile until it has passed here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError, UsageError
from deployer.model.amounts import parse_duration
from deployer.model.consent import Consent
from deployer.model.nearest import did_you_mean
from deployer.model.stack import STACK_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deployer.source.git import Repository

LARGEST_INPUT: Final = 1 << 20
MOST_REFS: Final = 200
MOST_OPTIONS: Final = 32
LONGEST_REASON: Final = 200
ABSENT: Final = "0" * 40

_LINE: Final = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\0\n]+)")
# A name that git would also find as `refs/heads/main` makes everybody's next push ambiguous.
_NAME: Final = r"(?!(?:refs|heads|tags|remotes|notes)(?:/|$))(?!HEAD$)[A-Za-z0-9][A-Za-z0-9._/+@-]{0,199}"
_REF: Final = re.compile(rf"refs/(heads|tags|notes)/({_NAME})")
_STACK: Final = re.compile(STACK_PATTERN)
_NAMED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_ID: Final = re.compile(r"[0-9a-f]{7,40}")
_OPTIONS: Final = ("plan", "skip", "only=", "allow-delete=", "replaces=", "wait=", "reason=")


def short(id_: str) -> str:
    """A commit's id as plans say it."""
    return id_[:10]


@dataclass(frozen=True)
class Update:
    """One ref of a push: from which full id to which; ABSENT where it is new, or deleted."""

    kind: str
    """`heads`, `tags` or `notes`"""
    name: str
    old: str
    new: str

    @property
    def ref(self) -> str:
        return f"refs/{self.kind}/{self.name}"

    @property
    def deletes(self) -> bool:
        return self.new == ABSENT


@dataclass(frozen=True)
class Options:
    """What `git push -o` asks for. `wait` is in seconds, `only` are stacks."""

    plan: bool = False
    skip: bool = False
    wait: float | None = None
    reason: str = ""
    only: tuple[str, ...] = ()
    allow_delete: frozenset[str] = frozenset()
    replaces: str = ""

    @property
    def consent(self) -> Consent:
        return Consent(self.allow_delete, self.replaces)


@dataclass(frozen=True)
class Push:
    """A ref that was pushed and that is deployed; `who` pushed it, with these options."""

    repo: Path
    repository: Repository
    update: Update
    options: Options
    who: str
    gate: bool = False
    """The branch moves with the deploy, and not before."""


def as_options(advice: str) -> str:
    """Advice for a command line in, the same for a push out."""
    return (
        advice.replace("--allow-delete ", "-o allow-delete=")
        .replace("--replaces ", "-o replaces=")
        .replace("--only ", "-o only=")
    )


def updates(lines: bytes) -> tuple[Update, ...]:
    """`OLD NEW REF` a line. UsageError where a ref is none that may be pushed, or where there are too many."""
    if len(lines) > LARGEST_INPUT or lines.count(b"\n") > MOST_REFS:
        raise UsageError(f"more than {MOST_REFS} refs at once", help="push them in several turns")
    return tuple(_update(line) for line in lines.split(b"\n") if line)


def _update(line: bytes) -> Update:
    found = _LINE.fullmatch(line)
    if found is None:
        raise DeployerError("git gave the hook a line that is none", help="the hook is for git to call")
    old, new, ref = (part.decode(errors="backslashreplace") for part in found.groups())
    allowed = _REF.fullmatch(ref)
    if allowed is None:
        shown = ref if len(ref) <= 100 else f"{ref[:99]}…"
        raise UsageError(
            f"the ref {shown!r} is not accepted",
            help="push refs/heads/NAME or refs/tags/NAME; NAME begins with a letter or digit, and has letters, "
            "digits and . _ / + @ - only, at most 200",
        )
    return Update(allowed[1], allowed[2], old, new)


def branch_name(text: str) -> str:
    """The text, which is the name of a branch that may be pushed; UsageError where it is not."""
    found = _REF.fullmatch(f"refs/heads/{text}")
    if found is None:
        raise UsageError(f"{text[:100]!r} is no name for a branch", help="letters, digits and . _ / + @ -")
    return text


def options(environment: Mapping[str, str]) -> Options:
    """The push options, from where git puts them. UsageError for one that there is not, and for a wrong value."""
    count = environment.get("GIT_PUSH_OPTION_COUNT", "0")
    if not count.isascii() or not count.isdigit() or int(count) > MOST_OPTIONS:
        raise UsageError(f"more than {MOST_OPTIONS} push options")
    found = Options()
    for number in range(int(count)):
        found = _with(found, environment.get(f"GIT_PUSH_OPTION_{number}", ""))
    return found


def _with(found: Options, option: str) -> Options:  # noqa: C901 - one answer an option
    name, equals, value = option.partition("=")
    match name + equals:
        case "plan":
            return replace(found, plan=True)
        case "skip":
            return replace(found, skip=True)
        case "wait=":
            return replace(found, wait=seconds(value, "-o wait"))
        case "only=" if _STACK.fullmatch(value):
            return replace(found, only=tuple(dict.fromkeys((*found.only, value))))
        case "only=":
            raise UsageError(f"-o only: {value[:60]!r} is no stack's name", help="-o only=STACK, once for each stack")
        case "reason=" if len(value) <= LONGEST_REASON:
            return replace(found, reason=value)
        case "reason=":
            raise UsageError(f"the reason is longer than {LONGEST_REASON} characters")
        case "allow-delete=" if _NAMED.fullmatch(value):
            return replace(found, allow_delete=found.allow_delete | {value})
        case "allow-delete=":
            raise UsageError(f"-o allow-delete: {value[:60]!r} is no name", help="-o allow-delete=NAME, once for each")
        case "replaces=" if _ID.fullmatch(value):
            return replace(found, replaces=value)
        case "replaces=":
            raise UsageError(f"-o replaces: {value[:60]!r} is no commit's id", help="the first 7 or more of its digits")
        case _:
            raise _unknown(option, name + equals)


def _unknown(option: str, word: str) -> UsageError:
    shown = option if len(option) <= 60 else f"{option[:59]}…"
    advice = did_you_mean(shown, _OPTIONS) or did_you_mean(word, _OPTIONS, f"there are {', '.join(_OPTIONS)}")
    return UsageError(f"there is no push option {shown!r}", help=advice)


def seconds(text: str, what: str) -> float:
    """The value of an option or a setting, `what`: `90`, `90s`, `5m`, `1h`. Raises UsageError."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{what}: {error}") from None
