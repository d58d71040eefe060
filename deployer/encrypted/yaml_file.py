"""SOPS in YAML (stores/yaml/store.go). The plain values go where the encrypted ones stood: everything else stays as it was.

Read by events, which neither recurse nor expand anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import yaml

from deployer.document import scalars
from deployer.encrypted.metadata import nested
from deployer.encrypted.sops import DEEPEST, DamagedError, Time, bounded, leaf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.encrypted.metadata import Step
    from deployer.encrypted.sops import Leaf, Value

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A run of blanks is looked at from its beginning alone: from each of them on, a file of blanks would take for ever.
_COMMENT: Final = re.compile(r"(?m)^[ \t]*#ENC\[AES256_GCM,[^\n]*\n?|(?<![ \t])[ \t]+#ENC\[AES256_GCM,[^\n]*$")
_TIME: Final = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|[ ]+)\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d+)?(?:Z|[-+]\d{2}:\d{2})?)?"
)
_STRING: Final = "tag:yaml.org,2002:str"
_NOT_IN_YAML: Final = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"\\\\]')


@dataclass(frozen=True)
class _Span:
    """Where a leaf stands in the text."""

    start: int
    end: int


@dataclass
class _Open:
    """A mapping or list that has not ended. `key` is that of the value to come, `count` how many a list has had."""

    mapping: bool
    key: str | None = None
    count: int = 0
    wants_key: bool = True
    section: int | None = None


@dataclass
class _Reader:
    text: str
    leaves: list[Leaf]
    spans: list[_Span]
    metadata: list[tuple[tuple[Step, ...], Value]]
    dropped: list[_Span]


def read(text: str) -> tuple[list[Leaf], Any]:
    """All leaves in the order of the file, and the `sops` section of its first document."""
    reader = _read(text)
    return reader.leaves, nested(reader.metadata) or None


def write(text: str, values: Sequence[Value]) -> bytes:
    """The file with these values, without the `sops` sections and encrypted comments."""
    reader = _read(text)
    edits = [(span, _written(value)) for span, value in zip(reader.spans, values, strict=True)]
    edits = [
        (span, new)
        for (span, new), leaf, value in zip(edits, reader.leaves, values, strict=True)
        if leaf.value != value or isinstance(value, bool) != isinstance(leaf.value, bool)
    ]
    edits += [(span, "") for span in reader.dropped]
    parts, end = [], 0
    for span, new in sorted(edits, key=lambda edit: edit[0].start):
        parts += [_COMMENT.sub("", text[end : span.start]), new]
        end = span.end
    return "".join([*parts, _COMMENT.sub("", text[end:])]).encode()


def _read(text: str) -> _Reader:
    reader = _Reader(text, [], [], [], [])
    stack: list[_Open] = []
    documents = 0
    try:
        for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
            bounded(count // 2)  # a key, a value; or a beginning, an end
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
            else:
                _take(reader, stack, event, documents)
    except yaml.YAMLError:
        raise DamagedError("it is no YAML") from None
    return reader


def _take(reader: _Reader, stack: list[_Open], event: yaml.Event, document: int) -> None:
    if isinstance(event, yaml.AliasEvent):
        raise DamagedError("it has an alias, which sops never writes")
    if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
        if len(stack) >= DEEPEST:
            raise DamagedError(f"it is more than {DEEPEST} levels deep")
        stack.append(_Open(isinstance(event, yaml.MappingStartEvent)))
    elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
        stack.pop()
        _done(reader, stack, _mark(event.end_mark).index)
    elif isinstance(event, yaml.ScalarEvent):
        if not stack:
            raise DamagedError("it is a single value")
        inside = stack[-1]
        if inside.mapping and inside.wants_key:
            if event.tag not in {None, "!", _STRING}:
                raise DamagedError("one of its keys has a tag, which sops never writes")
            inside.key, inside.wants_key = event.value, False
            if len(stack) == 1 and event.value == "sops":
                inside.section = _mark(event.start_mark).index
        else:
            _leaf(reader, stack, event, document)
            _done(reader, stack, _mark(event.end_mark).index)


def _done(reader: _Reader, stack: list[_Open], end: int) -> None:
    """A value has ended."""
    if stack and not stack[-1].mapping:
        stack[-1].count += 1
    if stack and stack[-1].mapping:
        stack[-1].wants_key = True
        if stack[-1].section is not None:
            reader.dropped.append(_Span(stack[-1].section, end))
            stack[-1].section = None


def _mark(mark: Any) -> Any:
    """Every event has its marks, whatever PyYAML's types say."""
    return mark


def _leaf(reader: _Reader, stack: list[_Open], event: yaml.ScalarEvent, document: int) -> None:
    value = _value(event)
    if stack[0].section is not None:
        if document == 1 and len(stack) > 1:
            steps = (str(one.key) if one.mapping else one.count for one in stack[1:])
            reader.metadata.append((tuple(steps), value))
        return
    path = tuple(str(one.key) for one in stack if one.mapping)
    start = _mark(event.start_mark)
    reader.leaves.append(leaf(path, value, start.line + 1))
    reader.spans.append(_Span(start.index, _mark(event.end_mark).index))


def _value(event: yaml.ScalarEvent) -> Value:
    """As go-yaml would decode it."""
    tagged = event.tag == _STRING
    if tagged or not event.implicit[0]:
        return str(event.value)
    text = str(event.value)
    return _time(text) if _TIME.fullmatch(text) else scalars.plain(text)


def _time(text: str) -> Value:
    """A plain date is a time to go-yaml (resolve.go, parseTimestamp), which writes it in RFC 3339."""
    date, _, clock = re.sub(r"[Tt]|[ ]+", " ", text, count=1).partition(" ")
    year, month, day = (int(part) for part in date.split("-"))
    zone = re.search(r"(Z|[-+]\d{2}:\d{2})$", clock)
    clock = clock[: zone.start()] if zone else clock
    try:
        hour, minute, rest = (clock or "0:0:0").split(":")
        second, _, fraction = rest.partition(".")
        datetime(year, month, day, int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return text
    fraction = fraction.rstrip("0")
    suffix = (f".{fraction}" if fraction else "") + (zone[0] if zone and zone[0] != "+00:00" else "Z")
    return Time(f"{year:04}-{month:02}-{day:02}T{int(hour):02}:{int(minute):02}:{int(second):02}{suffix}")


def _written(value: Value) -> str:
    if isinstance(value, Time):
        return value
    if isinstance(value, str):
        return '"' + _NOT_IN_YAML.sub(_escape, value) + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else repr(value)


def _escape(match: re.Match[str]) -> str:
    return {"\n": "\\n", '"': '\\"', "\\": "\\\\", "\t": "\\t"}.get(match[0], f"\\u{ord(match[0]):04x}")
