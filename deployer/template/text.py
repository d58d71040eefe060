"""A template and values in, text out: the part of Go's text/template that `-tags` and `--format` use. Pure.

Known: text, `{{pipeline}}` with trim marks and comments, `if`, `else if`, `else`, `end`, fields (`.Config.Labels.zone`), strings,
numbers, parentheses, and the functions of FUNCTIONS. What is not known is named in an error before anything is filled in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.template.functions import FUNCTIONS, TemplateError, shown, true

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EMPTY", "Template", "TemplateError", "fill", "read_template"]


@dataclass(frozen=True)
class Literal:
    value: str | int | bool | None


@dataclass(frozen=True)
class Field:
    path: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple[Operand, ...]


Operand = Literal | Field | Call


@dataclass(frozen=True)
class Choice:
    condition: Operand
    then: tuple[Part, ...]
    otherwise: tuple[Part, ...]


Part = str | Operand | Choice


@dataclass(frozen=True)
class Template:
    text: str
    parts: tuple[Part, ...]
    option: str = ""
    """Where it was given, such as `-tags`: what messages name."""


EMPTY: Final = Template("", ())
_ACTION: Final = re.compile(r'\{\{(-\s)?\s*((?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`])*?)\s*(\s-)?\}\}', re.DOTALL)
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<number>-?[0-9]+)|(?P<field>(?:\.[A-Za-z_]\w*)+|\.)|(?P<word>[A-Za-z_]\w*)|(?P<sign>[()|]))'
)
_CONSTANTS: Final = {"true": True, "false": False, "nil": None}
_UNSUPPORTED: Final = frozenset({"range", "with", "define", "template", "block", "break", "continue", "httpGet"})


def read_template(text: str, option: str) -> Template:
    """Raises TemplateError, which names the option and what is wrong or not supported."""
    try:
        return Template(text, _parts(text), option)
    except TemplateError as error:
        raise TemplateError(f"{option}: {error}") from None
    except RecursionError:
        raise TemplateError(f"{option}: it is nested too deep") from None


def _parts(text: str) -> tuple[Part, ...]:
    if "{{" not in text:
        return (text,) if text else ()
    pieces: list[str | list[str]] = []
    end = 0
    for match in _ACTION.finditer(text):
        before = text[end : match.start()]
        before = before.rstrip() if match[1] else before
        if pieces and pieces[-1] == ["-}}"]:
            pieces.pop()
            before = before.lstrip()
        pieces.append(before)
        if not match[2].startswith("/*"):
            pieces.append(_tokens(match[2]))
        if match[3]:
            pieces.append(["-}}"])
        end = match.end()
    rest = text[end:]
    if pieces and pieces[-1] == ["-}}"]:
        pieces.pop()
        rest = rest.lstrip()
    if "{{" in rest:
        raise TemplateError("unclosed action")
    return _Reader([*pieces, rest]).parts(())


def fill(template: Template, values: Mapping[str, Any]) -> str:
    """The text for one thing, such as a container as the engine's inspect describes it. Raises TemplateError."""
    try:
        return "".join(_fill(part, values) for part in template.parts)
    except TemplateError as error:
        raise TemplateError(f"{template.option}: {error}") from None


def _fill(part: Part, data: Mapping[str, Any]) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Choice):
        chosen = part.then if true(_value(part.condition, data)) else part.otherwise
        return "".join(_fill(one, data) for one in chosen)
    return shown(_value(part, data))


def _value(operand: Operand, data: Mapping[str, Any]) -> Any:
    match operand:
        case Literal(value):
            return value
        case Field(path):
            return _field(path, data)
        case Call(name, arguments):
            values = [_value(argument, data) for argument in arguments]
            try:
                return FUNCTIONS[name](*values)
            except (TypeError, ValueError, IndexError, KeyError, AttributeError, re.error) as error:
                raise TemplateError(f"{name}: {error}") from None


def _field(path: tuple[str, ...], data: Mapping[str, Any]) -> Any:
    """A field by its Go name: `ID` is `Id` in the engine's JSON. A label or another entry that is not there is nothing."""
    value: Any = data
    for depth, name in enumerate(path):
        if not isinstance(value, dict):
            raise TemplateError(f".{'.'.join(path[:depth])} has no field {name}")
        if name not in value and name == "ID" and "Id" in value:
            name = "Id"  # noqa: PLW2901 - the same field
        if name not in value and depth == 0:
            raise TemplateError(f"there is no field {name}")
        value = value.get(name)
        if value is None and depth + 1 < len(path):
            return None
    return value


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise TemplateError(f"unexpected {text[at:].strip()[:20]!r}")
        tokens.append(match[0].strip())
        at = match.end()
    return tokens


class _Reader:
    """Reads pieces (text, or the tokens of an action) into parts."""

    def __init__(self, pieces: list[str | list[str]]) -> None:
        self._pieces = pieces[::-1]

    def parts(self, ends: tuple[str, ...]) -> tuple[Part, ...]:
        """What stands before one of the actions `ends` (which stays), or before the end."""
        found: list[Part] = []
        while self._pieces:
            piece = self._pieces[-1]
            if isinstance(piece, list) and piece and piece[0] in {"else", "end"}:
                if piece[0] not in ends:
                    raise TemplateError(f"unexpected {{{{{piece[0]}}}}}")
                return tuple(found)
            self._pieces.pop()
            if isinstance(piece, str):
                found += [piece] if piece else []
            elif piece and piece[0] == "if":
                found.append(self._choice(piece[1:]))
            else:
                found.append(_pipeline(piece))
        if ends:
            raise TemplateError("{{if}} without {{end}}")
        return tuple(found)

    def _choice(self, condition: list[str]) -> Choice:
        then = self.parts(("else", "end"))
        action = self._pieces.pop()
        otherwise: tuple[Part, ...] = ()
        if len(action) > 1 and action[1] == "if":
            otherwise = (self._choice(list(action[2:])),)
        elif action[0] == "else":
            otherwise = self.parts(("end",))
            self._pieces.pop()
        return Choice(_pipeline(condition), then, otherwise)


def _pipeline(tokens: list[str]) -> Operand:
    rest = tokens[::-1]
    value = _pipe(rest)
    if rest:
        raise TemplateError(f"unexpected {rest[-1]!r}")
    return value


def _pipe(rest: list[str]) -> Operand:
    value = _command(rest, None)
    while rest and rest[-1] == "|":
        rest.pop()
        value = _command(rest, value)
    return value


def _command(rest: list[str], piped: Operand | None) -> Operand:
    operands: list[Operand] = []
    name = ""
    while rest and rest[-1] not in {"|", ")"}:
        token = rest.pop()
        if not operands and not name and _is_function(token):
            name = token
        else:
            operands.append(_operand(token, rest))
    if name:
        return Call(name, tuple([*operands, piped] if piped is not None else operands))
    if len(operands) != 1 or piped is not None:
        raise TemplateError(
            "missing value for command" if not operands else "a value that is no function has arguments"
        )
    return operands[0]


def _is_function(token: str) -> bool:
    if token in _UNSUPPORTED:
        raise TemplateError(f"{token} is not supported")
    if token in FUNCTIONS:
        return True
    if re.fullmatch(r"[A-Za-z_]\w*", token) and token not in _CONSTANTS:
        raise TemplateError(f"function {token!r} not defined")
    return False


def _operand(word: str, rest: list[str]) -> Operand:
    if word == "(":
        value = _pipe(rest)
        if not rest or rest.pop() != ")":
            raise TemplateError("unclosed left paren")
        return value
    if word[0] == ".":
        return Field(tuple(word[1:].split(".")) if word != "." else ())
    return Call(word, ()) if _is_function(word) else Literal(_literal(word))


def _literal(word: str) -> str | int | bool | None:
    if word[0] == "`":
        return word[1:-1]
    if word[0] == '"':
        return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), word[1:-1])
    if re.fullmatch(r"-?[0-9]+", word):
        return int(word)
    if word in _CONSTANTS:
        return _CONSTANTS[word]
    raise TemplateError(f"unexpected {word!r}")
