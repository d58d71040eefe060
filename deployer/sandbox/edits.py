"""Change one value of a YAML text. Comments and layout stay.

Made for the small files under `cluster/`; pure.
"""

from __future__ import annotations

import json
import re

import yaml

from deployer.errors import DeployerError

_PLAIN = re.compile(r"[A-Za-z0-9/~.][A-Za-z0-9/~._@+-]*")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


def set_value(text: str, keys: tuple[str, ...], value: str) -> str:
    """`text` with `value` at `keys`; `text` itself where it says that already.

    Missing mappings are added at the end. Raises DeployerError where the text is no YAML mapping.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise DeployerError("the file is not YAML", help="deployer validate says where") from error
    if node is None:
        return text + ("" if text.endswith("\n") or not text else "\n") + _block(keys, value, 0)
    for depth, key in enumerate(keys):
        if not isinstance(node, yaml.MappingNode):
            raise DeployerError(f"{'.'.join(keys[:depth]) or 'the file'} is no mapping")
        found = next((child for name, child in node.value if name.value == key), None)
        if found is None:
            return _inserted(text, node, keys[depth:], value)
        node = found
    if isinstance(node, yaml.ScalarNode) and node.value == value:
        return text
    if not isinstance(node, yaml.ScalarNode):
        raise DeployerError(f"{'.'.join(keys)} is no single value")
    gap = "" if node.start_mark.index != node.end_mark.index else " "  # `key:` with nothing behind it
    return text[: node.start_mark.index] + gap + _scalar(value) + text[node.end_mark.index :]


def _inserted(text: str, node: yaml.MappingNode, keys: tuple[str, ...], value: str) -> str:
    if node.flow_style:
        at = node.end_mark.index - 1
        entry = ": ".join((*keys[:1], _flow(keys[1:], value)))
        return text[:at].rstrip() + (", " if node.value else "") + entry + text[at:]
    # After the last entry's line: its value may end where the next key, or the file, begins.
    last = node.value[-1][1]
    end = len(text[: last.end_mark.index].rstrip())
    newline = text.find("\n", end)
    at = len(text) if newline < 0 else newline + 1
    before = text[:at] if text[:at].endswith("\n") else text[:at] + "\n"
    return before + _block(keys, value, node.start_mark.column) + text[at:]


def _block(keys: tuple[str, ...], value: str, indent: int) -> str:
    lines = [" " * (indent + 2 * depth) + f"{key}:" for depth, key in enumerate(keys)]
    return "\n".join(lines) + f" {_scalar(value)}\n"


def _flow(keys: tuple[str, ...], value: str) -> str:
    return f"{{{keys[0]}: {_flow(keys[1:], value)}}}" if keys else _scalar(value)


def _scalar(value: str) -> str:
    """`value` as YAML: plain where no reader takes it for something else, else in double quotes (JSON's are YAML's)."""
    is_number = _NUMBER.fullmatch(value) is not None  # YAML 1.2's; PyYAML knows those of 1.1
    plain = _PLAIN.fullmatch(value) is not None and not is_number and yaml.safe_load(value) == value
    return value if plain else json.dumps(value)
