from collections.abc import Callable
from typing import Any

import pytest

from deployer.document import COMPOSE_TAGS, Document, parse


def read(text: str | bytes, **options: Any) -> Document:
    document, problems = parse("f.yaml", text.encode() if isinstance(text, str) else text, **options)
    assert problems == ()
    assert document is not None
    return document


def refuse(text: str | bytes, **options: Any) -> list[tuple[int, int, str]]:
    problems = parse("f.yaml", text.encode() if isinstance(text, str) else text, **options)[1]
    assert all(problem.path == "f.yaml" for problem in problems)
    return [(problem.line, problem.column, problem.message) for problem in problems]


def test_values() -> None:
    document = read("a: 1\nb: [x, {c: true}]\nd:\n  - ~\n  - 'no'\ne: |\n  two\n  lines\n")
    assert document.value == {"a": 1, "b": ["x", {"c": True}], "d": [None, "no"], "e": "two\nlines\n"}


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "null\n"])
def test_a_file_with_nothing_in_it_is_none(text: str) -> None:
    assert read(text).value is None


def test_places_of_values_and_keys() -> None:
    document = read("top:\n  éa: value  # what\n  list:\n    - first\n    - {k: second}\n")
    value = document.problem(("top", "éa"), "x")
    assert (value.line, value.column, value.width, value.source) == (2, 7, 5, "  éa: value  # what")
    key = document.problem(("top", "éa"), "x", key=True)
    assert (key.line, key.column, key.width) == (2, 3, 2)
    second = document.problem(("top", "list", 1, "k"), "x")
    assert (second.line, second.column, second.width) == (5, 11, 6)
    assert document.text(("top", "list", 1, "k")) == "second"


def test_what_is_missing_is_shown_at_the_section_that_would_hold_it() -> None:
    document = read("# a comment\ntop:\n  section:\n    a: 1\n")
    missing = document.problem(("top", "section", "b", "c"), "x")
    assert (missing.line, missing.column, missing.width) == (3, 3, len("section"))
    at_top = document.problem(("other",), "x")
    assert (at_top.line, at_top.column) == (2, 1)
    assert (read("").problem(("other",), "x").line, read("").problem((), "x").line) == (0, 0)


def test_places_after_crlf_and_other_line_breaks() -> None:
    document = read("a: 1\r\nb: 2\r\nc: 3\n")
    assert [document.problem((key,), "x").line for key in "abc"] == [1, 2, 3]
    assert document.problem(("b",), "x").source == "b: 2"
    document = read("a: 1\u2028b: 2\n")
    assert (document.problem(("b",), "x").line, document.problem(("b",), "x").source) == (2, "b: 2")


def test_a_value_over_several_lines_is_underlined_on_its_first() -> None:
    problem = read("a: 'one\n  two'\n").problem(("a",), "x")
    assert (problem.line, problem.column, problem.width) == (1, 4, 4)


def test_a_very_long_line_is_no_snippet() -> None:
    problem = read("a: " + "x" * 5000).problem(("a",), "x")
    assert (problem.line, problem.column, problem.source, problem.width) == (1, 4, "", 1)


def test_an_alias_is_the_value_and_its_place_is_where_it_is_used() -> None:
    document = read("x: &n {k: 1}\ny: *n\nz: *n\n")
    assert document.value == {"x": {"k": 1}, "y": {"k": 1}, "z": {"k": 1}}
    assert (document.problem(("y",), "x").line, document.problem(("y",), "x").column) == (2, 4)
    assert (document.problem(("y", "k"), "x").line, document.problem(("y", "k"), "x").column) == (1, 11)


def test_merge_keys() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\none: {y: 3, <<: *a}\nmany:\n  <<: [*b, *a]\n  w: 4\n"
    document = read(text)
    assert document.value["one"] == {"x": 1, "y": 3}
    assert document.value["many"] == {"w": 4, "y": 2, "z": 2, "x": 1}
    merged = document.problem(("many", "x"), "x")
    assert (merged.line, merged.column) == (1, 11)


def test_the_latest_anchor_of_a_name_counts() -> None:
    assert read("a: &x 1\nb: &x 2\nc: *x\n").value == {"a": 1, "b": 2, "c": 2}
    assert read("a: &x {b: &x 1}\nc: *x\n").value == {"a": {"b": 1}, "c": 1}
    assert read("a: &x [&x [1]]\nc: *x\n").value == {"a": [[1]], "c": [1]}


def test_explicit_tags() -> None:
    text = "a: !!str 5\nb: !!int '5'\nc: !!float 5\nd: !!bool 'true'\ne: !!null ''\nf: !!map {}\ng: !!seq []\n"
    value = read(text).value
    assert value == {"a": "5", "b": 5, "c": 5.0, "d": True, "e": None, "f": {}, "g": []}
    assert isinstance(value["c"], float)


def test_the_tags_of_compose_are_allowed_where_they_are_asked_for() -> None:
    text = "a: !override [1]\nb: !reset [1]\nc: !reset null\nd: !override 5\n"
    document = read(text, tags=COMPOSE_TAGS)
    # go-yaml resolves nothing under a tag of its user: `!override 5` is a string to compose.
    assert document.value == {"a": [1], "b": None, "c": None, "d": "5"}
    assert [document.place((key,))[0].tag for key in "abcd"] == ["!override", "!reset", "!reset", "!override"]
    assert [line for line, _, _ in refuse(text)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", [(3, 1, "'a' is already given on line 1")], id="duplicate key"),
        pytest.param("s:\n  a: 1\n  'a': 3\n", [(3, 3, "'a' is already given on line 2")], id="duplicate, quoted"),
        pytest.param(
            "x: &x {}\ny: {<<: *x, <<: *x}\n", [(2, 13, "'<<' is already given on line 2")], id="two merge keys"
        ),
        pytest.param("1: a\n", [(1, 1, "a key must be a string")], id="number as a key"),
        pytest.param("? [a]\n: b\n", [(1, 3, "a key must be a string")], id="list as a key"),
        pytest.param(
            "a: {true: 1, 2: 1}\n", [(1, 5, "a key must be a string"), (1, 14, "a key must be a string")], id="two"
        ),
        pytest.param("<<: 5\n", [(1, 5, "'<<' merges mappings; this is none")], id="merge of a number"),
        pytest.param(
            "a: !!python/object/apply:os.system ['id']\n",
            [(1, 4, "the tag !!python/object/apply:os.system is not allowed here")],
            id="python tag",
        ),
        pytest.param("a: !mine 5\n", [(1, 4, "the tag !mine is not allowed here")], id="unknown tag"),
        pytest.param("a: !<t%0A> 5\n", [(1, 4, "the tag t\\n is not allowed here")], id="tag over two lines"),
        pytest.param("a: !!binary aGk=\n", [(1, 4, "the tag !!binary is not allowed here")], id="binary"),
        pytest.param("a: !!str {}\n", [(1, 4, "the tag !!str is not allowed here")], id="str of a mapping"),
        pytest.param("a: !!int x\n", [(1, 4, "this value is no !!int")], id="int that is none"),
        pytest.param("a: !!bool yes\n", [(1, 4, "this value is no !!bool")], id="bool of YAML 1.1"),
        pytest.param('a: "x\\0"\n', [(1, 4, "this string has a character that no program takes")], id="escaped NUL"),
        pytest.param("a: 1\n---\nb: 2\n", [(2, 1, "a second YAML document begins here")], id="two documents"),
        pytest.param("a: *b\n", [(1, 4, "there is no anchor &b")], id="no anchor"),
        pytest.param("a: &b [*b]\n", [(1, 8, "*b refers to a value that contains it")], id="value in itself"),
        pytest.param(
            "a: &b 1\nc: &b [*b]\n",
            [(2, 8, "*b refers to a value that contains it")],
            id="value in itself, named before",
        ),
        pytest.param("a:\n\tb: 1\n", [(2, 1, "a tab is no indentation in YAML")], id="tab"),
        pytest.param('a: "x\nb: 1\n', [(1, 4, "this quote is never closed")], id="open double quote"),
        pytest.param("a: 'x\nb: 1\n", [(1, 4, "this quote is never closed")], id="open single quote"),
        pytest.param("a: @x\n", [(1, 4, "a value cannot begin with '@'")], id="at sign"),
        pytest.param("a: `x`\n", [(1, 4, "a value cannot begin with '`'")], id="back quote"),
        pytest.param("a: b: c\n", [(1, 5, "a second ': ' here makes no sense")], id="two colons"),
        pytest.param("a: 1\nfoo\nb: 2\n", [(2, 1, "this line has no ':' after its key")], id="no colon"),
        pytest.param("a: 1\n  b: 2\n", [(2, 4, "a second ': ' here makes no sense")], id="deeper than it may be"),
        pytest.param(
            "a:\n  - b\n c: 1\n", [(3, 2, "this does not belong to the mapping above it")], id="half indented"
        ),
        pytest.param("- a\nb: 1\n", [(2, 1, "this line is not part of the list above it")], id="key after list"),
        pytest.param(
            "a: {x: 1\nb: 3\n", [(2, 2, "a mapping that begins with '{' is not closed before here")], id="brace"
        ),
        pytest.param(
            "a: [1, 2\nb: 3\n", [(2, 2, "a list that begins with '[' is not closed before here")], id="bracket"
        ),
        pytest.param("a: ]\n", [(1, 4, "a value is missing here")], id="closing bracket"),
        pytest.param("a: 'it's'\n", [(1, 8, "this does not belong to the mapping above it")], id="quote in quotes"),
        pytest.param('a: "\\q"\n', [(1, 5, "this is no escape sequence")], id="escape"),
        pytest.param("a: * x\n", [(1, 5, "'*' begins an alias, and no name follows")], id="star"),
        pytest.param("%YAML 3.0\n---\na\n", [(1, 1, "this version of YAML is not known")], id="YAML 3"),
        pytest.param("a: 1\nb: \x07\n", [(2, 4, "the control character U+0007 is not allowed in YAML")], id="bell"),
        pytest.param("a: 1\nb: \0\n", [(2, 4, "a NUL byte is not allowed in YAML")], id="NUL"),
        pytest.param("é: 1\nb: ö\n".encode("latin-1"), [(1, 1, "byte 0xe9 is not UTF-8")], id="latin-1"),
        pytest.param(
            "a: ö\nbé: ".encode() + b"\xe9\n", [(2, 5, "byte 0xe9 is not UTF-8")], id="latin-1 in a UTF-8 file"
        ),
        pytest.param("a: 1".encode("utf-8-sig"), [(1, 1, "starts with a byte order mark")], id="BOM"),
        pytest.param("a: 1".encode("utf-16"), [(1, 1, "is UTF-16, not UTF-8")], id="UTF-16"),
        pytest.param("a: 1".encode("utf-32"), [(1, 1, "is UTF-32, not UTF-8")], id="UTF-32"),
        pytest.param("a: 1".encode("utf-16-le"), [(1, 1, "is UTF-16 without a byte order mark, not UTF-8")], id="LE"),
        pytest.param("a: 1".encode("utf-16-be"), [(1, 1, "is UTF-16 without a byte order mark, not UTF-8")], id="BE"),
    ],
)
def test_problems(text: str | bytes, problems: list[tuple[int, int, str]]) -> None:
    assert refuse(text) == problems


BOTH = "this '<<' is read in two ways"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        pytest.param("x: &x {a: 1}\ny: {! <<: *x}\n", [(2, 5, "the tag ! is not allowed here"), (2, 5, BOTH)], id="tagged merge"),
        pytest.param("x: &x {a: 1}\ny: {!!merge <<: *x}\n", [(2, 5, "the tag !!merge is not allowed here"), (2, 5, BOTH)], id="merge, tagged as one"),
        pytest.param("x: &x {a: 1}\ny: {!!str <<: *x}\n", [(2, 5, BOTH)], id="merge as a string"),
        pytest.param("x: &x {a: 1}\ny: {'<<': *x}\n", [(2, 5, BOTH)], id="quoted merge"),
        pytest.param('x: &x {a: 1}\ny: {"\\x3c<": *x}\n', [(2, 5, BOTH)], id="escaped merge"),
        pytest.param("x: &x {a: 1}\ny:\n  ? |-\n    <<\n  : *x\n", [(3, 5, BOTH)], id="merge in a block scalar"),
        pytest.param("- &m <<\n- {*m : 1}\n", [(2, 4, "an alias is not allowed for a key"), (2, 4, BOTH)], id="alias of <<"),
        pytest.param("- &m a\n- {*m : 1}\n", [(2, 4, "an alias is not allowed for a key")], id="alias as a key"),
        pytest.param("x: &x [{a: 1}]\ny: {<<: *x}\n", [(2, 9, "'<<' merges mappings; this is an alias of a list")], id="alias of a list"),
        pytest.param("a: ! 5\n", [(1, 4, "the tag ! is not allowed here")], id="the tag of no tag"),
        pytest.param("a: ! {}\n", [(1, 4, "the tag ! is not allowed here")], id="the same of a mapping"),
        pytest.param("%TAG ! tag:x,2000:\n---\na: !reset b\n", [(1, 1, "a %TAG line gives tags another meaning")], id="TAG"),
        pytest.param("%TAG !e! !\n---\na: !e!reset b\n", [(1, 1, "a %TAG line gives tags another meaning")], id="TAG for !"),
        pytest.param("!reset a: 1\n", [(1, 1, "the tag !reset is not allowed for a key"), (1, 1, "a key must be a string")], id="reset of a key"),
        pytest.param("!override a: 1\n", [(1, 1, "the tag !override is not allowed for a key")], id="override of a key"),
        pytest.param("!override {a: 1}\n", [(1, 1, "the tag !override is not allowed for a whole file")], id="override of all"),
        pytest.param("a: &a {b: !override 1}\nc: *a\n", [(2, 4, "*a brings in a value with a tag, which Docker's versions read differently")], id="a tag by an alias"),
        pytest.param("a: &a !override {b: 1}\nc: {<<: *a}\n", [(2, 9, "*a brings in a value with a tag, which Docker's versions read differently")], id="a tag by a merge"),
        pytest.param("a: {<<: !override {b: 1}}\n", [(1, 9, "what '<<' merges cannot have tags")], id="a tag of what is merged"),
        pytest.param("a: {<<: [{b: !reset 1}]}\n", [(1, 9, "what '<<' merges cannot have tags")], id="a tag in what is merged"),
        pytest.param("a: &a {b: 1}\nc: {b: !reset 2, <<: *a}\n", [(2, 8, "'b' is reset here, and merged: Docker would take what is merged")], id="reset and merged"),
        pytest.param("a: 2024-01-31\n", [(1, 4, "Docker reads this as a date, and writes it in another form")], id="date"),
        pytest.param("a: 2001-12-14t21:59:43.10-05:00\n", [(1, 4, "Docker reads this as a date, and writes it in another form")], id="date and time"),
        pytest.param("2024-1-3: a\n", [(1, 1, "Docker reads this as a date, and writes it in another form")], id="date as a key"),
        pytest.param("a: [.nan, -.INF]\n", [(1, 5, "this is no number that Docker takes"), (1, 11, "this is no number that Docker takes")], id="no numbers"),
        pytest.param('a: "b\\\\\\/c"\n', [(1, 4, "docker's reader does not know the escape '\\/'")], id="escaped slash"),
        pytest.param("%YAML 1.2\n---\na: 1\n", [(1, 1, "docker's reader takes %YAML 1.1 alone")], id="YAML 1.2"),
        pytest.param("a: [http://b?c]\n", [(1, 5, "in {...} and [...] docker's reader ends a text at '?'")], id="question mark"),
        pytest.param("? " + "k" * 501 + "\n: 1\n", [(1, 3, "a key has at most 500 characters")], id="long key"),
    ],
)  # fmt: skip
def test_what_docker_reads_in_another_way_is_refused_in_a_compose_file(
    text: str, problems: list[tuple[int, int, str]]
) -> None:
    assert refuse(text, tags=COMPOSE_TAGS) == problems


def test_dates_in_quotes_and_what_only_looks_like_one_are_text() -> None:
    text = "a: '2024-01-31'\nb: 2024-01-31-x\nc: 12:30:00\nd: v2024-01-31\n"
    assert list(read(text, tags=COMPOSE_TAGS).value.values()) == [
        "2024-01-31",
        "2024-01-31-x",
        "12:30:00",
        "v2024-01-31",
    ]
    assert read("a: 2024-01-31\n").value == {"a": "2024-01-31"}  # Docker reads no other file of ours


@pytest.mark.parametrize(
    "make", [lambda n: "a: {" + ", ".join(f"k{i}: 1" for i in range(n)) + "}", lambda n: "a: [" + "1, " * n + "]"]
)
def test_a_mapping_and_a_list_of_a_compose_file_have_two_thousand_entries_at_most(make: Callable[[int], str]) -> None:
    assert len(read(make(2000), tags=COMPOSE_TAGS).value["a"]) == 2000
    assert [message for *_, message in refuse(make(2001), tags=COMPOSE_TAGS)] == ["more than 2000 entries"]
    assert len(read(make(2001)).value["a"]) == 2001


def test_merges_count_as_entries() -> None:
    half = "{" + ", ".join(f"{{0}}{i}: 1" for i in range(1500)) + "}"
    text = f"a: &a {half.replace('{0}', 'a')}\nb: &b {half.replace('{0}', 'b')}\nc: {{<<: [*a, *b]}}\n"
    assert refuse(text, tags=COMPOSE_TAGS) == [(3, 4, "more than 2000 entries")]


def test_every_problem_says_what_to_do() -> None:
    for text in ("a: 1\na: 2\n", "a: !x 1\n", "a:\n\tb: 1\n", "a: [\n", "1: 2\n", "a: *b\n", "---\n---\n"):
        assert all(problem.help for problem in parse("f", text.encode())[1])


def test_of_two_equal_keys_the_first_is_the_value_and_the_rest_is_still_read() -> None:
    document, problems = parse("f", b"a: 1\na: {b: 2}\nc: 3\nc: 4\n")
    assert document is not None
    assert document.value == {"a": 1, "c": 3}
    assert [problem.line for problem in problems] == [2, 4]


def test_a_hundred_problems_are_enough() -> None:
    problems = refuse("a:\n" * 5000)
    assert len(problems) == 101
    assert problems[-1][2] == "more than 100 problems: the rest is not listed"
