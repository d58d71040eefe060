"""JSON Schemas (draft 2020-12) of the file formats: editors complete and check with them.

A schema knows one file at a time: that two machines have one address, only validation can say.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import msgspec

from deployer.errors import DeployerError
from deployer.model.cluster import ClusterFile, NodeFile
from deployer.model.stack import StackSettings
from deployer.source.stacks import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Kind = Literal["cluster", "node", "stack"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_TITLES: Final = {
    "cluster": "cluster/cluster.yaml",
    "node": "cluster/nodes/NAME.yaml",
    "stack": "stacks/NAME/compose.yaml",
}
_FORMATS: Final = {"cluster": ClusterFile, "node": NodeFile, "stack": StackSettings}


def schema(kind: Kind) -> dict[str, Any]:
    """The schema of one kind of file; that of a stack is a compose file's `x-deployer`, and leaves the rest to compose."""
    made: dict[str, Any] = _without_null(msgspec.json.schema(_FORMATS[kind]))
    parts = made["$defs"]
    top = parts.pop(_FORMATS[kind].__name__)
    if kind == "stack":
        top = {"type": "object", "properties": {SETTINGS: top}}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": _TITLES[kind]}
    return {
        **head,
        **{key: value for key, value in top.items() if key != "title"},
        **({"$defs": parts} if parts else {}),
    }


def text(value: Any) -> str:
    """JSON as it is printed and written: indented, with a line break at its end."""
    return json.dumps(value, indent=2) + "\n"


def _without_null(value: Any) -> Any:
    """An empty value is an error in our files (typed.py), though None is the default of what may be left out."""
    if isinstance(value, list | tuple):
        return [_without_null(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_null(below) for key, below in value.items() if not (key == "default" and below is None)}
    if None in kept.get("enum", ()):
        kept["enum"] = [one for one in kept["enum"] if one is not None]
    if "anyOf" in kept:
        others = [one for one in kept.pop("anyOf") if one != {"type": "null"}]
        kept |= others[0] if len(others) == 1 else {"anyOf": others}
    return kept


def write(directory: Path, made: Mapping[str, dict[str, Any]]) -> list[Path]:
    """Writes NAME.json files, over older ones; their paths. DeployerError where that is not possible."""
    paths = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for kind, value in made.items():
            paths.append(directory / f"{kind}.json")
            paths[-1].write_text(text(value))
    except OSError as error:
        raise DeployerError(
            f"{error.filename} cannot be written: {error.strerror}", help="check its owner and mode"
        ) from error
    return paths
