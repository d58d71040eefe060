"""SOPS in YAML (stores/yaml/store.go): its values and its `sops` section, without a key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import yaml

from deployer.encrypted.leaves import DEEPEST, DamagedError, Leaf, Text, check_count, find_leaves

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG: Final = "tag:yaml.org,2002:"
_KEY_TAGS: Final = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")}


def read(text: str) -> tuple[list[Leaf], Any]:
    """All leaves in the order of the file, and the `sops` section of its first document. Raises DamagedError."""
    documents = [_read_node(one) for one in _read_documents(text)]
    sections = [document.pop("sops", None) for document in documents]
    return [leaf for document in documents for leaf in find_leaves(document)], sections[0] if sections else None


def replace_section(text: str, section: Mapping[str, Any]) -> str:
    """The file with another `sops` section in each of its documents."""
    parts, end = [], 0
    for document in _read_documents(text):
        for key, value in document.value:
            if key.value == "sops":
                parts += [text[end : key.start_mark.index], f"sops: {json.dumps(section)}\n"]
                end = value.end_mark.index
    return "".join([*parts, text[end:]])


def _read_documents(text: str) -> list[yaml.MappingNode]:
    """Looks at the parser's events first, which neither recurse nor expand anything."""
    try:
        depth = 0
        for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
            check_count(count // 2)  # a key, a value; or a beginning, an end
            if isinstance(event, yaml.AliasEvent):
                raise DamagedError("it has an alias, which sops never writes")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise DamagedError(f"it is more than {DEEPEST} levels deep")
        documents = list(yaml.compose_all(text, Loader=_LOADER))
    except yaml.YAMLError:
        raise DamagedError("it is no YAML") from None
    mappings = [one for one in documents if isinstance(one, yaml.MappingNode)]
    if len(mappings) < len(documents):
        raise DamagedError("it is no mapping")
    return mappings


def _read_node(node: Any) -> Any:
    """Scalars stay text: what type they are does not matter here. Raises DamagedError for a key that is not one text, and one's own."""
    if isinstance(node, yaml.SequenceNode):
        return [_read_node(value) for value in node.value]
    if not isinstance(node, yaml.MappingNode):
        text = Text(node.value)
        text.line = node.start_mark.line + 1
        return None if node.tag == _TAG + "null" else text
    made: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag not in _KEY_TAGS:
            raise DamagedError("one of its keys has a tag, or is no text, which sops never writes")
        if key.value in made:
            raise DamagedError("it has a key twice")
        made[str(key.value)] = _read_node(value)
    return made
