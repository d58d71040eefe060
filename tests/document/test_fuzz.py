import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.document import Document, parse

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)
PLAIN = st.lists(st.sampled_from(["word", "and", "long" * 30, "é"]), min_size=1, max_size=4).map(" ".join)
WORDS = st.sampled_from([
    "a", "b:", "-", "[", "]", "{", "}", ",", ":", "?", "&", "*", "&a", "*a", "<<", "<<:", "!", "!!str", "!x", "|", ">",
    "'", '"', "#", "%", "@", "`", "~", "---", "...", "\n", "\n\n", "\t", "\r\n", "0x1", "yes", "${X}", "\\", "é", "\u2028",
    "\ufeff", " ", "  ", "\n  ", "\n    - ", "\0", "\ud7ff",
])  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_problems(data: bytes) -> None:
    document, problems = parse("f", data)
    assert document is not None or problems


@settings(deadline=None, max_examples=120)
@given(st.lists(WORDS, max_size=40).map("".join))
def test_anything_like_yaml_is_a_document_or_problems_in_the_file(text: str) -> None:
    document, problems = parse("f", text.encode())
    assert document is not None or problems
    lines = text.encode().decode().replace("\r\n", "\n").splitlines(keepends=True)
    assert all(0 <= problem.line <= len(lines) + 1 and problem.width >= 1 for problem in problems)
    if document is not None:
        walk(document, document.value, ())


def walk(document: Document, value: object, at: tuple[str | int, ...]) -> None:
    """Every value has a place in the file."""
    place, found = document.place(at)
    assert found
    assert 0 <= place.value.line <= len(document.lines)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        walk(document, below, (*at, key))


@settings(deadline=None, max_examples=100)
@given(VALUES)
def test_what_yaml_wrote_is_read_back(value: object) -> None:
    # Quoted with tags, as `default_style` has it: what plain scalars mean differs on purpose (scalars.py).
    text = yaml.safe_dump(value, default_style='"', allow_unicode=True)
    document, problems = parse("f", text.encode())
    assert problems == ()
    assert document is not None
    assert document.value == value == yaml.safe_load(text)


@settings(deadline=None, max_examples=100)
@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(PLAIN, inner), max_leaves=20))
def test_plain_words_are_read_as_pyyaml_reads_them(value: object) -> None:
    for flow in (False, True, None):
        text = yaml.safe_dump(value, default_flow_style=flow)
        document, problems = parse("f", text.encode())
        assert problems == ()
        assert document is not None
        assert document.value == yaml.safe_load(text)
