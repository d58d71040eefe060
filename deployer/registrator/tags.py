"""SERVICE_TAGS in, tags out, in the order in which the old program sent them. Pure."""

from __future__ import annotations


def split_tags(text: str) -> tuple[str, ...]:
    r"""The tags of `a,b`: the last one first; `\,` is a comma within one; empty ones are left out.

    The old splitter appended what came before a comma to what it made of the rest (bridge/util.go, recParseEscapedComma),
    so its order is reversed. Consul keeps the order that it is given, and so do people's templates.
    """
    tags: list[str] = []
    tag = ""
    for char in text:
        if char == "," and tag.endswith("\\"):
            tag = tag[:-1] + ","
        elif char == ",":
            tags.append(tag)
            tag = ""
        else:
            tag += char
    return tuple(tag for tag in reversed((*tags, tag)) if tag)


def combine_tags(*parts: str) -> tuple[str, ...]:
    """The tags of each part, one part after the other."""
    return tuple(tag for part in parts for tag in split_tags(part))
