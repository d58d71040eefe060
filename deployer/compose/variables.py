"""Read env files as compose-go does (dotenv/parser.go), and write variables as an env file that has only one meaning.

Compose gets only files that `write` made. What an env file of the repository says is worked out here: a line that can be
read in two ways is a mistake at its line.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.compose.interpolation import CannotFillInError, Filled, fill_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from deployer.compose.interpolation import Budget, Missing

    Ask = Callable[[str, Mapping[str, str], bool], str | None]
    """Given a name, what the file has said so far, and whether the name stands alone."""

LARGEST: Final = 1 << 20
"""Bytes of one file."""
MOST: Final = 2_000
"""Variables of one file."""

_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
"""Go's `unicode.IsSpace`."""
_ON_A_LINE: Final = "\t\v\f\r \x85\xa0"  # the parser's own isSpace
_BLANK: Final = re.compile(f"[{_SPACE}]*")
_INDENT: Final = re.compile(f"[{_ON_A_LINE}]*")
_COMMENT: Final = re.compile(r"#[^\n]*")
_EXPORT: Final = re.compile(rf"export(?=[\t\n\f\r ])[{_ON_A_LINE}]*")
_NAME: Final = re.compile(r"[^=:\n]*")
_SIMPLE: Final = re.compile(r"[A-Za-z0-9_.\[\]-]+")
_SPACES: Final = re.compile(f"[{_SPACE}]")
_QUOTED: Final = {
    "'": re.compile(r"'((?:[^'\\]++|\\.)*+)'", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL),
}
_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPE: Final = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "$": "$$",
    '"': '"',
    "\\": "\\",
}
_OCTAL: Final = re.compile(r"[0-3][0-7]{2}")
_LINE: Final = "a line is NAME=VALUE, or a comment that begins with #"


class EnvFileError(Exception):
    """A mistake in an env file; neither message nor help quotes a value."""

    def __init__(self, message: str, line: int, column: int = 1, help: str = _LINE) -> None:
        super().__init__(message)
        self.message, self.line, self.column, self.help = message, line, column, help


@dataclass(frozen=True, repr=False)
class Assignment:
    """`NAME=text`; the text of a name that stands alone is None. `template`: variables in it are filled in."""

    name: str
    text: str | None
    template: bool
    line: int

    @property
    def asks(self) -> bool:
        """Whether its value depends on other variables."""
        return self.text is None or (self.template and "$" in self.text)


@dataclass(frozen=True, repr=False)
class EnvFile:
    """The file's assignments in their order, and its lines for whoever looks for a place."""

    assignments: tuple[Assignment, ...]
    lines: tuple[str, ...]

    def column(self, line: int, name: str) -> tuple[int, int]:
        """Line and column of the first `$NAME` from that line on."""
        pattern = re.compile(rf"(?<!\$)(?:\$\$)*(\$\{{?{re.escape(name)}(?![A-Za-z0-9_]))")
        for number in range(line, len(self.lines) + 1):
            match = pattern.search(self.lines[number - 1])
            if match is not None:
                return number, match.start(1) + 1
        return line, 1


def parse(data: bytes, *, raw: bool = False) -> EnvFile:
    """What the file says, before any variable is filled in. `raw` is the format of `docker run --env-file`."""
    if len(data) > LARGEST:
        raise EnvFileError(f"it has {len(data)} bytes; at most {LARGEST} are read", 0, 0, "split it")
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise EnvFileError(
            f"byte 0x{data[error.start]:02x} is not UTF-8", line, help="save the file as UTF-8"
        ) from None
    if "\0" in text:
        raise EnvFileError("a NUL byte is in this line", text.count("\n", 0, text.index("\0")) + 1, help="remove it")
    found: list[Assignment] = []
    for one in _raw(text) if raw else _statements(text):
        found.append(one)
        if len(found) > MOST:
            raise EnvFileError(f"more than {MOST} variables are in one file", one.line, help="split it")
    return EnvFile(tuple(found), tuple(text.split("\n")))


def evaluate(file: EnvFile, ask: Ask, budget: Budget) -> tuple[dict[str, str], list[tuple[int, int, Missing]]]:
    """The variables, the last of one name; and which variables in their values are missing, with line and column.

    `EnvFileError` where a value cannot be filled in.
    """
    values: dict[str, str] = {}
    missing: list[tuple[int, int, Missing]] = []
    for one in file.assignments:
        try:
            if one.text is None:
                inherited = ask(one.name, values, True)
                if inherited is not None:
                    values[one.name] = inherited
                continue
            filled = (
                fill_in(one.text, lambda name: ask(name, values, False), budget) if one.template else Filled(one.text)
            )
        except CannotFillInError as error:
            raise EnvFileError(f"the value of {one.name} {error.message}", one.line, help=error.help) from None
        values[one.name] = filled.text
        missing += [(*file.column(one.line, absent.name), absent) for absent in filled.missing]
    return values, missing


def read_literal(text: str) -> dict[str, str]:
    """The variables of a file that was decrypted, the last of one name; a name that stands alone is left out.

    Compose would fill in `$NAME` in a value that is not in single quotes. A secret with a dollar sign that means one is likelier
    than a variable in a secret, and neither is to be guessed: EnvFileError.
    """
    values = {}
    for one in parse(text.encode()).assignments:
        if one.text is None:
            continue
        if one.template and "$" in one.text.replace("$$", ""):
            message = f"the value of {one.name} has a '$', which compose would fill in: put it into single quotes"
            raise EnvFileError(message, one.line)
        values[one.name] = one.text.replace("$$", "$") if one.template else one.text
    return values


def write(values: Mapping[str, str]) -> bytes:
    """An env file that every version of compose reads as these very values: all in double quotes, nothing to fill in."""
    lines = []
    for name, value in values.items():
        quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
        lines.append(f'{name}="{quoted}"\n')
    return "".join(lines).encode()


def _statements(text: str) -> Iterator[Assignment]:
    at, line, counted = 0, 1, 0
    while True:
        at = _end(_BLANK, text, at)
        if at >= len(text):
            return
        if text[at] == "#":
            at = _end(_COMMENT, text, at)
            continue
        line, counted = line + text.count("\n", counted, at), at
        name, at, alone = _name(text, at, line)
        if alone:
            yield Assignment(name, None, template=False, line=line)
            continue
        value, template, at = _value(text, at, line, name)
        yield Assignment(name, value, template, line)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match is not None else at


def _name(text: str, at: int, line: int) -> tuple[str, int, bool]:
    """The name, where its value begins, and whether it stands alone."""
    at = _end(_EXPORT, text, at)
    end = _end(_NAME, text, at)
    name = text[at:end].rstrip(_SPACE)
    sign = text[end : end + 1]
    if not name:
        raise EnvFileError("a variable has no name", line)
    if _SIMPLE.fullmatch(name) is None:
        _check_name(name, line)
    if not sign:
        raise EnvFileError("the last line is a name alone, and has no end", line, help="write NAME=VALUE")
    if sign == "\n":
        return name, end + 1, True
    return name, _end(_INDENT, text, end + 1), False


def _check_name(name: str, line: int) -> None:
    if _SPACES.search(name):
        raise EnvFileError("a variable's name cannot contain a space", line)
    for character in name:
        if character not in "_.-[]" and unicodedata.category(character)[0] not in "LN":
            raise EnvFileError(f"{character!r} cannot be in a variable's name", line)


def _value(text: str, at: int, line: int, name: str) -> tuple[str, bool, int]:
    """The value, whether variables in it are filled in, and where the file goes on."""
    quote = text[at : at + 1]
    if quote not in _QUOTED:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        plain = text[at:end].partition(" #")[0]
        return plain.rstrip(_SPACE), True, end + 1
    match = _QUOTED[quote].match(text, at)
    if match is None:
        raise EnvFileError(f"the quote of {name} is never closed", line, help="add the closing quote")
    value = _PAIR.sub(lambda pair: quote if pair[1] == quote else pair[0], match[1])
    if quote == '"':
        value = _ESCAPE.sub(_unescaped, value)
        if "\0" in value:
            raise EnvFileError("a NUL byte is in this value", line, help="remove it")
    return value, quote == '"', match.end()


def _unescaped(match: re.Match[str]) -> str:
    """As Go's `strconv.UnquoteChar`, which knows octal numbers of three digits only."""
    text = match[0][1:]
    if text in _ESCAPES:
        return _ESCAPES[text]
    if not text.startswith("0"):
        return match[0]
    digits = text[1:]
    return chr(int(digits, 8)) if _OCTAL.fullmatch(digits) else f"\\{digits}"


def _raw(text: str) -> Iterator[Assignment]:
    for number, given in enumerate(text.split("\n"), 1):
        line = given.removesuffix("\r").lstrip(_SPACE)
        if not line or line.startswith("#"):
            continue
        name, sign, value = line.partition("=")
        if not name:
            raise EnvFileError("a variable has no name", number)
        _check_name(name, number)
        yield Assignment(name, value if sign else None, template=False, line=number)
