"""Convert a document to a struct, and report every problem at its place.

msgspec stops at its first error and gives no place inside a mapping, so the document is walked beside msgspec's own
description of the type; what is wrong is reported and left out, and msgspec converts the rest: it has the last word.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import inspect

from deployer.document import shortened
from deployer.model.nearest import did_you_mean, nearest
from deployer.source import words

if TYPE_CHECKING:
    from deployer.document import Document, Path
    from deployer.model.problem import Problem

T = TypeVar("T", bound=msgspec.Struct)

MOST_PROBLEMS: Final = 100
"""In one file: the rest would not be read anyway."""

_LEFT_OUT: Final = object()
_UNSIGNED: Final = re.compile(r"[^*&!|>'\"]\S*")


def convert(document: Document, wanted: type[T], at: Path = ()) -> tuple[T | None, list[Problem]]:
    """The part of the document at `at` as a `wanted` (a msgspec struct), and what is wrong with it.

    Optional fields that are wrong have their defaults in the value; without a required one there is no value.
    """
    walk = _Walk(document)
    value = document.value
    for step in at:
        value = value[step]
    value = walk.value(value, _type(wanted), at)
    if value is _LEFT_OUT:
        return None, walk.problems
    try:
        return msgspec.convert(value, type=wanted), walk.problems
    except msgspec.ValidationError as error:
        # Required fields are missing (and reported), or the walk knows less than msgspec does.
        return None, walk.problems or [document.problem(at, str(error))]


@functools.cache
def _type(wanted: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(wanted)


@dataclass
class _Walk:
    document: Document
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, at: Path, message: str, advice: str = "", *, key: bool = False) -> Any:
        """Notes a problem; its value is left out."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(self.document.problem(at, message, advice, key=key))
        return _LEFT_OUT

    def value(self, value: Any, wanted: inspect.Type, at: Path) -> Any:
        """The value without what is wrong in it."""
        while isinstance(wanted, inspect.Metadata | inspect.UnionType):
            inner = wanted.types if isinstance(wanted, inspect.UnionType) else (wanted.type,)
            wanted = next(
                one for one in inner if not isinstance(one, inspect.NoneType)
            )  # the formats have `X | None` only
        if isinstance(wanted, inspect.AnyType):
            return self._anything(value, at)
        if value is None:
            advice = "give it a value, or remove the line" if at else "see `deployer init` for an example"
            return self.wrong(at, f"{words.dotted(at) or 'the file'} is empty", advice, key=True)
        return self._present(value, wanted, at)

    def _present(self, value: Any, wanted: inspect.Type, at: Path) -> Any:
        match wanted:
            case inspect.StructType():
                kept = self._struct(value, wanted, at)
            case inspect.DictType():
                kept = self._mapping(value, wanted, at)
            case inspect.VarTupleType():
                kept = self._list(value, wanted, at)
            case inspect.LiteralType():
                kept = self._word(value, [str(one) for one in wanted.values], at)
            case inspect.StrType():
                kept = self._string(value, wanted, at)
            case inspect.IntType() | inspect.FloatType():
                kept = self._number(value, wanted, at)
            case inspect.BoolType():
                kept = value if isinstance(value, bool) else self._kind(at, "true or false", value)
            case _:  # a kind of field that the formats have not had so far
                raise NotImplementedError(wanted)
        return kept

    def _anything(self, value: Any, at: Path) -> Any:
        """A value that goes into JSON: whatever YAML can hold, but for two numbers."""
        if isinstance(value, float) and not math.isfinite(value):
            return self.wrong(at, f"{words.dotted(at)} cannot be {value}", "write a finite number")
        below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, one in below:
            self._anything(one, (*at, key))
        return value

    def _struct(self, value: Any, wanted: inspect.StructType, at: Path) -> Any:
        if not isinstance(value, dict):
            return self._kind(at, "a mapping", value)
        fields = {one.encode_name: one for one in wanted.fields}
        kept = {}
        meant = set()
        for key, below in value.items():
            if key in fields:
                kept[key] = self.value(below, fields[key].type, (*at, key))
            else:
                near = nearest(key, fields) if len(self.problems) < MOST_PROBLEMS else ""
                meant.add(near)
                advice = f"did you mean {near!r}?" if near else f"the keys here are {', '.join(fields)}"
                inside = f" in {words.dotted(at)}" if at else ""
                self.wrong((*at, key), f"unknown key '{shortened(key)}'{inside}", advice, key=True)
        for name, one in fields.items():
            if one.required and name not in value and name not in meant:
                self.wrong(
                    (*at, name), f"{words.dotted((*at, name))} is missing", f"add `{name}: ...`{_about(one.type)}"
                )
        return {key: below for key, below in kept.items() if below is not _LEFT_OUT}

    def _mapping(self, value: Any, wanted: inspect.DictType, at: Path) -> Any:
        if not isinstance(value, dict):
            return self._kind(at, "a mapping", value)
        kept = {}
        for key, below in value.items():
            if key and key.isprintable():
                kept[key] = self.value(below, wanted.value_type, (*at, key))
            else:
                message = (
                    f"{words.dotted(at)} has the key '{shortened(key)}'"
                    if key
                    else f"{words.dotted(at)} has an empty key"
                )
                self.wrong((*at, key), message, "write plain text on one line", key=True)
        return {key: below for key, below in kept.items() if below is not _LEFT_OUT}

    def _list(self, value: Any, wanted: inspect.VarTupleType, at: Path) -> Any:
        if not isinstance(value, list):
            return self._kind(at, "a list", value)
        kept = [self.value(below, wanted.item_type, (*at, index)) for index, below in enumerate(value)]
        return [below for below in kept if below is not _LEFT_OUT]

    def _word(self, value: Any, known: list[str], at: Path) -> Any:
        if isinstance(value, str) and value in known:
            return value
        text = shortened(str(value)) if isinstance(value, str) else words.kind(value)
        otherwise = f"write {words.either(known)}"
        advice = did_you_mean(value, known, otherwise) if isinstance(value, str) else otherwise
        return self.wrong(at, f"{words.dotted(at)} must be {words.either(known)}, not {text}", advice)

    def _string(self, value: Any, wanted: inspect.StrType, at: Path) -> Any:
        if not isinstance(value, str):
            return self._kind(at, "a string", value)
        name = words.dotted(at)
        if any(not character.isprintable() for character in value):
            return self.wrong(at, f"{name} has a line break or control character in it", "write plain text on one line")
        if wanted.max_length is not None and len(value) > wanted.max_length:
            return self.wrong(at, f"{name} has more than {wanted.max_length} characters", "write less")
        if wanted.pattern is not None and not re.search(wanted.pattern, value):
            advice = (
                f"it is {meaning}"
                if (meaning := words.PATTERNS.get(wanted.pattern))
                else f"it has to match {wanted.pattern}"
            )
            return self.wrong(at, f"{name} cannot be '{shortened(value)}'", advice)
        if len(value) < (wanted.min_length or 0):
            return self.wrong(at, f"{name} is empty", "give it a value, or remove the line")
        return value

    def _number(self, value: Any, wanted: inspect.IntType | inspect.FloatType, at: Path) -> Any:
        whole = isinstance(wanted, inspect.IntType)
        if isinstance(value, bool) or not isinstance(value, int | float) or (whole and not float(value).is_integer()):
            return self._kind(at, "a whole number" if whole else "a number", value)
        lowest, highest = (
            wanted.ge if wanted.ge is not None else wanted.gt,
            wanted.le if wanted.le is not None else wanted.lt,
        )
        low = lowest is not None and (value < lowest or (wanted.gt is not None and value == lowest))
        high = highest is not None and (value > highest or (wanted.lt is not None and value == highest))
        if low or high or not math.isfinite(value):
            above = f"{'more than' if wanted.gt is not None else 'at least'} {lowest}" if lowest is not None else ""
            below = f"{'less than' if wanted.lt is not None else 'at most'} {highest}" if highest is not None else ""
            bounds = " and ".join(filter(None, (above, below)))
            return self.wrong(
                at, f"{words.dotted(at)} cannot be {value}", f"it is a number, {bounds}" if bounds else "it is a number"
            )
        return int(value) if whole else value

    def _kind(self, at: Path, wanted: str, value: Any) -> Any:
        if wanted == "a string" and isinstance(value, bool | int | float):
            text = self.document.text(at)
            advice = f'write it in quotes: "{text}"' if _UNSIGNED.fullmatch(text) else "write it in quotes"
        elif wanted.endswith("number") and isinstance(value, str):
            advice = "write it as a number, without quotes"
        else:
            advice = f"write {wanted} here"
        return self.wrong(at, f"{words.dotted(at) or 'the file'} must be {wanted}, not {words.kind(value)}", advice)


def _about(wanted: inspect.Type) -> str:
    """What the field is for, from its description."""
    extra = wanted.extra_json_schema if isinstance(wanted, inspect.Metadata) else None
    return f" - {extra['description']}" if extra and "description" in extra else ""
