"""Build a `Document` from the parser's events: one pass, no recursion, everything bounded while it is built."""

from __future__ import annotations

from typing import Final

import yaml

from deployer.document import guard, syntax
from deployer.document.build import Builder, Refused
from deployer.document.places import Document
from deployer.model.problem import Problem

# libyaml's parser where PyYAML was built with it: eight times as fast. Only its *events* are used: its composer
# recurses in C and ends the process on 30,000 nested '['.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(path: str, data: bytes, *, tags: frozenset[str] = frozenset()) -> tuple[Document | None, tuple[Problem, ...]]:
    """Reads one YAML file: the document, and what is wrong with it (in the order of the file).

    A document comes back beside problems where they leave one (of two equal keys the first counts), so that its other
    problems can be found too; after a syntax error or hostile input there is none. `tags` are the tags that are
    allowed beyond YAML's own: `!override` keeps the value, `!reset` makes it None. An empty file's value is None.
    """
    text = guard.decode(path, data)
    if isinstance(text, Problem):
        return None, (text,)
    lines = guard.split(text)
    builder = Builder(path, lines, tags)
    try:
        # The events are checked one by one as they come: nothing runs ahead of the limits.
        loader = _LOADER(text)
        while event := loader.get_event():
            builder.take(event)
    except Refused as refused:
        return None, (*builder.problems, refused.problem)
    except yaml.YAMLError as error:
        return None, (*builder.problems, syntax.problem(path, lines, error))
    return Document(path, builder.value, lines, builder.top), tuple(builder.problems)
