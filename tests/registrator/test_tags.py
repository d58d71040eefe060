from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deployer.registrator.tags import combine_tags, split_tags


def old(text: str) -> list[str]:
    """bridge/util.go at 6bfadbc, recParseEscapedComma, line by line."""
    if not text:
        return []
    if text[0] == ",":
        return old(text[1:])
    offset = 0
    while text[offset:]:
        index = text[offset:].find(",")
        if index == -1:
            break
        if text[offset + index - 1 : offset + index] != "\\":
            return [*old(text[offset + index + 1 :]), text[: offset + index]]
        text = text[: offset + index - 1] + text[offset + index :]
        offset += index
    return [text]


@given(st.text(alphabet="ab\\, é"))
def test_tags_are_split_as_the_old_program_did(text: str) -> None:
    assert list(split_tags(text)) == old(text)


@given(st.lists(st.text(alphabet="ab ", min_size=1)))
def test_escaped_tags_come_back(tags: list[str]) -> None:
    commas = [f"{tag},{tag}" for tag in tags]
    assert list(split_tags(",".join(tag.replace(",", "\\,") for tag in commas))) == commas[::-1]


def test_parts_stay_in_order() -> None:
    assert combine_tags("a,b", "", "c,d", "udp") == ("b", "a", "d", "c", "udp")
