"""Say in a sentence for people what the YAML parser says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.document.places import Mark, problem_at

if TYPE_CHECKING:
    import yaml

    from deployer.model.problem import Problem

_QUOTE: Final = "put the value in quotes"
_INDENT: Final = "check the indentation of this line and the one above it"

# (part of the parser's context, part of its problem, our sentence, what to do, whether the context's place is the better one).
# The words are libyaml's; where PyYAML's own parser words it differently, both are here. First match wins.
_SENTENCES: Final[tuple[tuple[str, str, str, str, bool], ...]] = (
    ("quoted scalar", "end of stream", "this quote is never closed", "add the closing quote", True),
    ("quoted scalar", "document indicator", "this quote is never closed", "add the closing quote", True),
    ("", "unknown escape character", "this is no escape sequence", "double the backslash, or use single quotes", False),
    ("", "invalid Unicode", "this escape is no character", "write the character itself", False),
    ("flow sequence", "',' or ']'", "a list that begins with '[' is not closed before here", "add a ',' or the ']'", False),
    ("flow mapping", "',' or '}'", "a mapping that begins with '{' is not closed before here", "add a ',' or the '}'", False),
    ("simple key", "expected ':'", "this line has no ':' after its key", "write `key: value`, or indent the line", True),
    ("", "mapping values are not allowed", "a second ': ' here makes no sense", f"{_INDENT}; {_QUOTE} if it has ': '", False),
    ("", "sequence entries are not allowed", "a list cannot begin here", "put each '- ' on its own line", False),
    ("", "entries are not allowed", "a list cannot begin here", "put each '- ' on its own line", False),
    ("block collection", "", "this line is not part of the list above it", f"{_INDENT}; list items begin with '- '", False),
    ("block mapping", "", "this does not belong to the mapping above it", f"{_INDENT}, and for text after a closing quote", False),
    ("alias", "alphabetic", "'*' begins an alias, and no name follows", _QUOTE, False),
    ("anchor", "alphabetic", "'&' begins an anchor, and no name follows", _QUOTE, False),
    ("", "document start", "text after the end of the document", _INDENT, False),
    ("", "node content", "a value is missing here", _QUOTE, False),
    ("block scalar", "", "'|' and '>' begin a block of text; nothing else may follow on their line", _QUOTE, False),
    ("", "incompatible YAML document", "this version of YAML is not known", "remove the %YAML line", False),
    ("", "undefined tag handle", "this tag is not known", "remove the tag", False),
    ("tag", "", "this is no tag", _QUOTE, False),
)  # fmt: skip


def problem(path: str, lines: tuple[str, ...], error: yaml.YAMLError) -> Problem:
    """The problem that a parser's exception means, at the place that helps most."""
    context = getattr(error, "context", None) or ""
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    where = _mark(getattr(error, "problem_mark", None))
    begun = _mark(getattr(error, "context_mark", None))
    mark = where or begun or Mark(0, 0, 1)
    character = lines[mark.line - 1][mark.column - 1 : mark.column] if 0 < mark.line <= len(lines) else ""
    if character == "\t" and ("cannot start" in said or "tab" in said):
        return problem_at(path, lines, mark, "a tab is no indentation in YAML", "use spaces")
    if "cannot start any token" in said:
        return problem_at(path, lines, mark, f"a value cannot begin with {character!r}", _QUOTE)
    for in_context, in_said, sentence, advice, at_context in _SENTENCES:
        if in_context in context and in_said in said:
            return problem_at(path, lines, (begun if at_context else None) or mark, sentence, advice)
    return problem_at(path, lines, mark, f"this is not YAML: {said}", _INDENT)


def _mark(mark: yaml.Mark | None) -> Mark | None:
    return None if mark is None else Mark(mark.line + 1, mark.column + 1, 1)
