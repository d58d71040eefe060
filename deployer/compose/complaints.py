"""Turn what `docker compose config` and `docker stack deploy` complain about into problems at the user's own lines.

The sentences are those of compose 2.26 and 2.40 (compose-go's loader, its schema in two generations of validators) and
of the docker CLI 26.1 and 28.2; a new one becomes a problem of the file as a whole, in Docker's words, without the
temporary paths.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.locate import named
from deployer.compose.vocabulary import unknown_key
from deployer.document import shortened
from deployer.model.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from deployer.compose.locate import Locator
    from deployer.compose.rules import Path
    from deployer.model.problem import Problem

NO_IMAGE: Final = "this service has no image"

_LOGGED: Final = re.compile(r'time="[^"]*" level=(?P<level>\w+) msg="(?P<message>(?:[^"\\]|\\.)*)"')
_CHATTER: Final = re.compile(
    r"(Ignoring (unsupported|deprecated) options|Since --detach=false was not|In a future release, --detach|Creating |Updating |\s*$)"
)
_SILENT: Final = re.compile(r"`version` is obsolete|cannot expand '~'")


def warnings(said: str, locator: Locator) -> Iterator[Problem]:
    """Problems for what a tool that succeeded wrote to standard error."""
    seen = set()
    for match in _LOGGED.finditer(said):
        message = json.loads(f'"{match["message"]}"', strict=False)
        if message not in seen and not _SILENT.search(message):
            seen.add(message)
            yield locator.problem((), f"docker says: {_clean(message)}", severity="warning")


@dataclass(frozen=True)
class Mistake:
    """A problem, and the value that it is about: without it the tool may go on to the next one. `file`: None if not said."""

    problem: Problem
    file: str | None = None
    at: Path = ()

    @property
    def lacks_image(self) -> bool:
        """It may be there only because another mistake was taken out."""
        return self.problem.message == NO_IMAGE


def errors(said: str, locator: Locator, checkout: str, files: Mapping[str, str]) -> list[Mistake]:
    """At least one for the error output of a tool that failed; `checkout` is the folder that it was given.

    `files` says for each file that was written there which of the stack's files it stands for.
    """
    lines = [line for line in _LOGGED.sub("", said).splitlines() if not _CHATTER.match(line)]
    text = "\n".join(lines).replace(": invalid compose project", "").strip()
    for written, path in files.items():
        text = text.replace(f"{checkout}/{written}", path)
    text = text.replace(f"{checkout}/", "").replace(checkout, ".")
    for pattern, translate in _SENTENCES:
        matches = list(pattern.finditer(text))
        if matches:
            told = [one for match in matches for one in translate(match, locator)]
            return [one if isinstance(one, Mistake) else Mistake(one) for one in told]
    return [Mistake(locator.problem((), f"docker says: {_clean(text)}"))]


def _clean(text: str) -> str:
    words = " ".join(text.split())
    return re.sub(r"(?<![\w.])/(?:tmp|run|var)/\S+/", "", words) or "nothing, but it failed"


def _unknown_keys(match: re.Match[str], locator: Locator) -> Iterator[Mistake]:
    file = _file(match)
    at = _place(match["place"], locator, file)
    names = re.findall(r"'([^']*)'", match["several"]) if match["several"] else [match["one"]]
    for name in names:
        message, help_ = unknown_key(at, name)
        if len(at) == 1 and at[0] in _OF_NAMES:
            message, help_ = f"{name!r} is no name here", "a name has letters, digits, '.', '_' and '-'"
        problem = locator.problem((*at, name), message, help_, key=True, file=file)
        yield Mistake(problem, file, (*at, name))


def _at_place(match: re.Match[str], locator: Locator) -> Iterator[Mistake]:
    file = _file(match)
    at = _place(match["place"], locator, file)
    said = _said(match["said"])
    link = " " if said.startswith(("must ", "does ", "is ", "has ")) else ": "
    problem = locator.problem(at, f"{named(at)}{link}{said}", key=len(at) <= _SECTION_AND_NAME, file=file)
    yield Mistake(problem, file, at)


def _interpolating(match: re.Match[str], locator: Locator) -> Iterator[Problem | Mistake]:
    """Variables are filled in before; what is left to compose is to make numbers of texts."""
    at = _place(match["place"], locator, None)
    said = match["said"]
    cast = re.search(r'parsing "([^"]*)"', said)
    if cast is not None:
        problem = locator.problem(
            at, f"{named(at)} cannot be {shortened(cast[1])!r}", "write a value of the right type"
        )
        yield Mistake(problem, None, at)
    else:
        yield Mistake(locator.problem(at, f"{named(at)}: {_clean(said)}"), None, at)


def _decoding(match: re.Match[str], locator: Locator) -> Iterator[Mistake]:
    at = _place(re.sub(r"\[([^]]*)\]", r".\1", match["place"]), locator, None)
    yield Mistake(locator.problem(at, f"{named(at)}: {_clean(match['said'])}"), None, at)


def _undefined(match: re.Match[str], locator: Locator) -> Iterator[Mistake]:
    service, kind, name = match["service"], match["kind"], match["name"]
    message = f"{service} refers to the {kind} {name!r}, which is not defined"
    help_ = did_you_mean(name, _keys(locator, f"{kind}s")) or f"define it under {kind}s:"
    at: Path = ("services", service, f"{kind}s")
    yield Mistake(locator.problem((*at, name), message, help_), None, at)


def _undefined_service(match: re.Match[str], locator: Locator) -> Iterator[Mistake]:
    service, name = match["service"], match["name"]
    known = _keys(locator, "services")
    help_ = did_you_mean(name, known - {service}) or "remove it, or define the service"
    message = f"{service} depends on {name!r}, which is no service of this stack"
    if name in known:
        message, help_ = (
            f"{service} depends on {name!r}, whose profile is not active",
            "set COMPOSE_PROFILES in the stack's .env",
        )
    at: Path = ("services", service, "depends_on")
    yield Mistake(locator.problem((*at, name), message, help_), None, at)


def _cycle(match: re.Match[str], locator: Locator) -> Iterator[Problem]:
    first, second = match["cycle"].split(" -> ")[:2]
    yield locator.problem(
        ("services", first, "depends_on", second), f"circular dependency: {match['cycle']}", "remove one of them"
    )


def _extends(match: re.Match[str], locator: Locator) -> Iterator[Problem]:
    name = match["name"]
    help_ = did_you_mean(name, _keys(locator, "services"))
    yield locator.problem(
        ("services", match["service"], "extends", "service"), f"there is no service {name!r} to extend", help_
    )


def _no_image(match: re.Match[str], locator: Locator) -> Iterator[Mistake]:
    at: Path = ("services", match["service"])
    yield Mistake(locator.problem(at, NO_IMAGE, "give it one: image: NAME:TAG", key=True), None, (*at, "image"))


def _exclusive(match: re.Match[str], locator: Locator) -> Iterator[Problem]:
    at: Path = ("services", match["service"], match["first"])
    yield locator.problem(
        at, f"{match['first']} and {match['second']} exclude each other", "keep one of them", key=True
    )


def _container_name(match: re.Match[str], locator: Locator) -> Iterator[Problem]:
    at: Path = ("services", match["service"], "container_name")
    yield locator.problem(at, "several containers cannot have one name", "remove container_name", key=True)


def _quoted(match: re.Match[str], locator: Locator) -> Iterator[Problem]:
    """Compose names neither service nor key here: the first port or volume with that text is meant."""
    message, text = f"docker says: {_clean(match[0])}", match["text"]
    for path, document in locator.documents.items():
        for name, service in _section(locator.filled.get(path, document.value), "services").items():
            for key in ("ports", "volumes"):
                items = service.get(key) if isinstance(service, dict) else None
                for index, item in enumerate(items if isinstance(items, list) else ()):
                    given = item.values() if isinstance(item, dict) else re.split(r"[:/-]", str(item))
                    if text in {str(one) for one in given} | {str(item)}:
                        yield document.problem(("services", name, key, index), message)
                        return
    yield locator.text(text, message)


_SECTION_AND_NAME: Final = 2
_OF_NAMES: Final = ("services", "networks", "volumes", "configs", "secrets")
_ADDITIONAL: Final = r"(?P<place>\S*) (?:additional properties (?P<several>'.*') not allowed|Additional property (?P<one>.+) is not allowed)"
_VALIDATING: Final = r"^(?:validating (?P<file>\S+): )?"
_SERVICE: Final = r'service "?(?P<service>[\w.-]+)"?'
_SENTENCES: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Locator], Iterator[Problem | Mistake]]], ...]] = tuple(
    (re.compile(pattern, re.MULTILINE), translate)
    for pattern, translate in (
        (_VALIDATING + _ADDITIONAL, _unknown_keys),
        (r"error while interpolating (?P<place>\S+): (?P<said>.*)", _interpolating),
        (r"^(?:error decoding )?'(?P<place>\S+)':? (?P<said>.*)", _decoding),
        (_SERVICE + r" refers to undefined (?P<kind>\w+) (?P<name>[^\s:]+)", _undefined),
        (_SERVICE + r' depends on undefined service "?(?P<name>[\w.-]+)', _undefined_service),
        (r"dependency cycle detected: (?P<cycle>.*)", _cycle),
        (r'cannot extend service "(?P<service>[^"]+)".*: service "(?P<name>[^"]+)" not found', _extends),
        (r"can't set container_name and (?P<service>[\w.-]+) as container name must be unique", _container_name),
        (_SERVICE + " has neither an image nor a build", _no_image),
        (_SERVICE + r" declares mutually exclusive `(?P<first>\w+)` and `(?P<second>\w+)`", _exclusive),
        (r"^(?:Invalid|invalid) (?:hostPort|containerPort|proto|ip address|spec): (?P<text>[^\s:]\S*?|:\S*?)(?:: .*)?$", _quoted),
        (_VALIDATING + r"(?P<place>(?:services|networks|volumes|configs|secrets|include)(?:\.[^\s:]+)?):? (?P<said>.*)", _at_place),
        (r"^" + _SERVICE + r": (?P<said>.*)", lambda match, locator: iter([locator.problem(("services", match["service"]), _clean(match["said"]), key=True)])),
    )
)  # fmt: skip


def _file(match: re.Match[str]) -> str | None:
    return posixpath.normpath(match["file"]) if match["file"] else None


def _place(text: str, locator: Locator, file: str | None) -> Path:
    return () if text in {"", "(root)"} else locator.dotted(text, file)


def _said(said: str) -> str:
    """Compose 2.26 names the place twice in some sentences; 2.40 speaks of Go's types."""
    sentence = re.sub(r"^\S+\.\S+ (?=must be)", "", said).replace("must be a array", "must be a list")
    sentence = re.sub(r"^(\w+) is required$", r"must have the key '\1'", sentence)
    return _clean(sentence.replace("value must be one of", "must be one of").replace("the following: ", ""))


def _keys(locator: Locator, section: str) -> set[str]:
    found: set[str] = set()
    for document in locator.documents.values():
        found |= set(_section(document.value, section))
    return found


def _section(value: Any, section: str) -> dict[str, Any]:
    found = value.get(section) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}
