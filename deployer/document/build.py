"""Build values and their places from YAML events, within bounds.

What an alias stands for is shared, not copied, and counted at its full size each time: a "billion laughs" file stops at
the alias that would exceed the limit, before anything could expand it. Merge keys (`<<`) copy, and are counted alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from deployer.document import scalars
from deployer.document.places import Mark, Place, problem_at, shortened

if TYPE_CHECKING:
    from deployer.model.problem import Problem

DEEPEST: Final = 64
MOST_ALIASES: Final = (
    1_000  # they cost nothing, what they expand to is counted; a compose file has one or two a service
)
LARGEST: Final = 100_000
"""Values after expansion (64 characters of a string count as one more): what Docker Compose itself visits at most
(compose-go, loader/reset.go, defaultMaxNodeVisits)."""
MOST_ENTRIES: Final = 2_000
"""Of one mapping or list of a compose file: go-yaml compares each key of a mapping with all others, and lists become mappings."""
LONGEST_KEY: Final = 500
"""Characters. In YAML a key that is not marked by `?` has at most 1,024 on its line, escapes included."""
MOST_PROBLEMS: Final = 100

_TAG: Final = "tag:yaml.org,2002:"
_KINDS: Final = {_TAG + "bool": bool, _TAG + "int": int, _TAG + "float": float, _TAG + "null": type(None)}
_SLASH: Final = re.compile(r"(?<!\\)(?:\\\\)*\\/")
_NOWHERE: Final = Mark(0, 0, 1)
_NONE: Final[Mapping[str | int, Place]] = MappingProxyType(
    {}
)  # one for all scalars: a dict each would cost the time again

_Children = Mapping[str | int, Place]


class Refused(Exception):  # noqa: N818 - not an error of the program: it ends the walk
    """The file is not read on."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Anchored:
    """A finished value under an anchor, how many values it stands for, and whether one of them has a tag of compose."""

    __slots__ = ("children", "size", "tagged", "value")

    def __init__(self, value: Any, children: _Children, size: int, *, tagged: bool) -> None:
        self.value, self.children, self.size, self.tagged = value, children, size, tagged


class _Key(NamedTuple):
    name: str
    mark: Mark
    counts: bool  # not a second one, and a string
    merge: bool


class _Open:
    """A mapping or list whose end has not come yet."""

    __slots__ = ("anchor", "children", "flow", "key", "keys", "mark", "merged", "size_before", "tag", "tagged", "value")

    def __init__(
        self, value: dict[str, Any] | list[Any], mark: Mark, event: yaml.CollectionStartEvent, size_before: int
    ) -> None:
        self.value, self.mark, self.size_before = value, mark, size_before
        self.anchor: str | None = event.anchor
        self.flow = bool(event.flow_style)  # `{...}` or `[...]`
        self.children: dict[str | int, Place] = {}
        self.keys: dict[str, Mark] = {}  # every key seen, `<<` too
        self.key: _Key | None = None  # the key that waits for its value
        self.merged: list[tuple[dict[str, Any], _Children]] = []
        self.tag = ""  # one of compose's
        self.tagged = False  # it, or something in it, has such a tag


class Builder:
    """Takes events one by one; then `value` and `top` are the document's, and `problems` what can be lived with."""

    def __init__(self, path: str, lines: tuple[str, ...], tags: frozenset[str]) -> None:
        self.value: Any = None
        self.top = Place(_NOWHERE, None, _NONE)
        self.problems: list[Problem] = []
        self._path, self._lines, self._tags = path, lines, tags
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._begun: dict[str, _Open | None] = {}  # what has the anchor: of two values the one that begins later
        self._size = self._aliases = self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """The next event; `Refused` where the file has to be given up."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            mark = self._mark(event)
            if self._documents > 1:
                raise self._refused(mark, "a second YAML document begins here", "keep one document in a file")
            if event.tags:
                raise self._refused(mark, "a %TAG line gives tags another meaning", "remove the line")
            if self._tags and event.version not in {None, (1, 1)}:
                raise self._refused(mark, "docker's reader takes %YAML 1.1 alone", "remove the line")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        mark, text, tag = self._mark(event), event.value, event.tag
        size = 1 + len(text) // 64
        self._grow(size, mark)
        is_plain = not event.style
        value: Any = scalars.plain(text) if is_plain else text
        if tag is not None:
            value = self._tagged(tag, text, value, mark)
        elif is_plain and self._tags:
            self._clear(text, value, mark)
        elif event.style == '"' and self._tags and "/" in text and _SLASH.search(self._written(event)):
            self._report(mark, "docker's reader does not know the escape '\\/'", "write the '/' alone")
        if isinstance(value, str) and not value.isprintable() and not _storable(value):
            self._report(
                mark, "this string has a character that no program takes", "remove the escape (\\0 or \\ud800)"
            )
        ours = tag if tag is not None and tag in self._tags else ""
        if event.anchor is not None:
            self._begun[event.anchor] = None
            self._anchors[event.anchor] = _Anchored(value, _NONE, size, tagged=bool(ours))
        self._deliver(value, mark, _NONE, merge=is_plain and tag is None and text == "<<", tag=ours)

    def _clear(self, text: str, value: Any, mark: Mark) -> None:
        """Refuses a plain scalar of a compose file that Docker reads as something else than what it looks like."""
        if scalars.is_date(text):
            self._report(mark, "Docker reads this as a date, and writes it in another form", "put it in quotes")
        elif "?" in text and self._open and self._open[-1].flow:
            self._report(mark, "in {...} and [...] docker's reader ends a text at '?'", "put it in quotes")
        elif isinstance(value, float) and not math.isfinite(value):
            self._report(mark, "this is no number that Docker takes", "write a finite number, or put it in quotes")

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        mark = self._mark(event)
        if len(self._open) >= DEEPEST:
            raise self._refused(mark, f"values are nested more than {DEEPEST} deep here", "no file of ours needs this")
        self._grow(1, mark)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        opened = _Open(value, mark, event, self._size - 1)
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)  # an alias inside would be the value itself
            self._begun[event.anchor] = opened
        own = _TAG + ("map" if isinstance(value, dict) else "seq")
        if event.tag in self._tags:
            opened.tag, opened.tagged = event.tag, True
        elif event.tag is not None and event.tag != own:
            self._report(mark, f"the tag {_short(event.tag)} is not allowed here", "remove the tag")
        self._open.append(opened)

    def _end(self) -> None:
        done = self._open.pop()
        if isinstance(done.value, dict):
            for merged, children in done.merged:  # an explicit key wins, then the earlier of several merged mappings
                for key in merged:
                    if key not in done.value:
                        done.value[key] = merged[key]
                        done.children[key] = children[key]
                    elif done.children[key].tag == "!reset":
                        message = f"'{shortened(key)}' is reset here, and merged: Docker would take what is merged"
                        self._report(done.children[key].value, message, "leave one of the two out")
            if self._tags and len(done.value) > MOST_ENTRIES:
                raise self._too_many(done.mark)
        value: Any = None if done.tag == "!reset" else done.value
        if done.anchor is not None and self._begun[done.anchor] is done:
            size = self._size - done.size_before
            self._anchors[done.anchor] = _Anchored(value, done.children, size, tagged=done.tagged)
        self._deliver(value, done.mark, done.children, tag=done.tag, tagged=done.tagged)

    def _alias(self, event: yaml.AliasEvent) -> None:
        mark = self._mark(event)
        self._aliases += 1
        anchored = self._anchors.get(event.anchor or "")
        name = shortened(event.anchor or "")
        if anchored is None:
            inside = any(opened.anchor == event.anchor for opened in self._open)
            message = f"*{name} refers to a value that contains it" if inside else f"there is no anchor &{name}"
            raise self._refused(
                mark, message, "write the value out" if inside else "an anchor stands before its aliases"
            )
        if self._aliases > MOST_ALIASES:
            raise self._refused(mark, f"more than {MOST_ALIASES} aliases", "write the values out, or split the file")
        self._grow(anchored.size, mark)
        if anchored.tagged:
            message = f"*{name} brings in a value with a tag, which Docker's versions read differently"
            self._report(mark, message, "write the value out, with its tag")
        self._deliver(anchored.value, mark, anchored.children, alias=True)

    def _deliver(
        self,
        value: Any,
        mark: Mark,
        children: _Children,
        *,
        merge: bool = False,
        alias: bool = False,
        tag: str = "",
        tagged: bool = False,
    ) -> None:
        """Puts a finished value where it belongs: the top, a list, or a mapping, as a key or under one."""
        if not self._open:
            if tag:
                self._report(mark, f"the tag {tag} is not allowed for a whole file", "remove the tag")
            self.value, self.top = value, Place(_NOWHERE if value is None else mark, None, children)
            return
        into = self._open[-1]
        into.tagged = into.tagged or tagged or bool(tag)
        if isinstance(into.value, list):
            self._count(into, mark)
            into.children[len(into.value)] = Place(mark, None, children, tag)
            into.value.append(value)
        elif into.key is None:
            if alias or tag:
                what = f"the tag {tag}" if tag else "an alias"
                self._report(mark, f"{what} is not allowed for a key", "write the key itself")
            into.key = self._key(into, value, mark, merge=merge)
        elif into.key.merge:
            into.key = None
            if tagged or tag:
                self._report(mark, "what '<<' merges cannot have tags", "write the values out, with their tags")
            self._merge(into, value, mark, children, alias=alias)
        else:
            key, into.key = into.key, None
            if key.counts:
                self._count(into, key.mark)
                into.value[key.name] = value
                into.children[key.name] = Place(mark, key.mark, children, tag)

    def _count(self, into: _Open, mark: Mark) -> None:
        if self._tags and len(into.value) >= MOST_ENTRIES:
            raise self._too_many(mark)

    def _key(self, into: _Open, value: Any, mark: Mark, *, merge: bool) -> _Key:
        if not isinstance(value, str):
            self._report(mark, "a key must be a string", "write it in quotes")
            return _Key("", mark, counts=False, merge=False)
        if value == "<<" and not merge:
            self._report(mark, "this '<<' is read in two ways", "write `<<: *anchor`, without quotes and tags")
            return _Key(value, mark, counts=False, merge=False)
        if len(value) > LONGEST_KEY:
            self._report(mark, f"a key has at most {LONGEST_KEY} characters", "shorten it")
            return _Key("", mark, counts=False, merge=False)
        first = into.keys.setdefault(value, mark)
        if first is not mark:
            self._report(mark, f"'{shortened(value)}' is already given on line {first.line}", "keep one of the two")
        return _Key(value, mark, counts=first is mark, merge=merge and first is mark)

    def _merge(self, into: _Open, value: Any, mark: Mark, children: _Children, *, alias: bool) -> None:
        several = isinstance(value, list)
        if several and alias:
            self._report(mark, "'<<' merges mappings; this is an alias of a list", "write `<<: [*one, *other]`")
            return
        for index, one in enumerate(value if several else [value]):
            if isinstance(one, dict):
                into.merged.append((one, children[index].children if several else children))
            else:
                self._report(mark, "'<<' merges mappings; this is none", "write `<<: *anchor`, or a list of anchors")

    def _tagged(self, tag: str, text: str, value: Any, mark: Mark) -> Any:
        """The value of a scalar under an explicit tag; a problem where the tag is none of YAML's plain ones."""
        if tag in self._tags:
            return None if tag == "!reset" else text  # as go-yaml reads what has a tag that it does not know
        if tag == _TAG + "str":
            return text
        converted: Any = scalars.plain(text)
        if tag == _TAG + "float" and type(converted) is int:
            converted = float(converted)
        kind = _KINDS.get(tag)
        if kind is None:
            self._report(mark, f"the tag {_short(tag)} is not allowed here", "remove the tag")
        elif type(converted) is not kind:
            self._report(mark, f"this value is no {_short(tag)}", "remove the tag, or correct the value")
        return converted if type(converted) is kind else value

    def _grow(self, size: int, mark: Mark) -> None:
        self._size += size
        if self._size > LARGEST:
            advice = "aliases count with all that they stand for; split the file"
            raise self._refused(mark, f"the file has more than {LARGEST} values", advice)

    def _too_many(self, mark: Mark) -> Refused:
        return self._refused(
            mark, f"more than {MOST_ENTRIES} entries", "split the file, or move them into a file of their own"
        )

    def _report(self, mark: Mark, message: str, advice: str) -> None:
        if len(self.problems) >= MOST_PROBLEMS:
            raise self._refused(mark, f"more than {MOST_PROBLEMS} problems: the rest is not listed", "")
        self.problems.append(problem_at(self._path, self._lines, mark, message, advice))

    def _refused(self, mark: Mark, message: str, advice: str) -> Refused:
        return Refused(problem_at(self._path, self._lines, mark, message, advice))

    def _written(self, event: yaml.ScalarEvent) -> str:
        """How a scalar is written in the file."""
        start, end = event.start_mark, event.end_mark
        if start is None or end is None:
            return ""
        lines = [*self._lines[start.line : end.line], self._lines[end.line][: end.column]]
        return "\n".join([lines[0][start.column :], *lines[1:]])

    def _mark(self, event: yaml.Event) -> Mark:
        start, end = event.start_mark, event.end_mark
        if start is None or end is None:
            return _NOWHERE
        if start.line == end.line:
            return Mark(start.line + 1, start.column + 1, end.column - start.column or 1)
        rest = len(self._lines[start.line]) - start.column if start.line < len(self._lines) else 1
        return Mark(start.line + 1, start.column + 1, max(1, rest))


def _short(tag: str) -> str:
    return shortened("!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag)


def _storable(value: str) -> bool:
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value)
