"""Read SERVICE_TAGS, in the order in which the old program sent them. Pure."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=64)
def split_tags(text: str) -> tuple[str, ...]:
    r"""The tags of `a,b`: the last one first; `\,` is a comma within one; empty ones are left out.

    The old splitter appended what came before a comma to what it made of the rest (bridge/util.go, recParseEscapedComma),
    so its order is reversed. Consul keeps the order that it is given, and so do people's templates.
    """
    tags: list[str] = []
    parts: list[str] = []
    *before, last = text.split(",")
    for piece in before:
        if piece.endswith("\\"):
            parts.append(piece[:-1] + ",")
        else:
            tags.append("".join((*parts, piece)))
            parts.clear()
    tags.append("".join((*parts, last)))
    return tuple(tag for tag in reversed(tags) if tag)


def combine_tags(*parts: str) -> tuple[str, ...]:
    """The tags of each part, one part after the other."""
    return tuple(tag for part in parts for tag in split_tags(part))
