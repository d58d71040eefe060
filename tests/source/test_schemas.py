"""One table of documents: the schema that an editor checks with and our own validation say the same."""

import json
from typing import Any

import jsonschema
import pytest

from deployer.document import parse
from deployer.model.cluster import ClusterFile, NodeFile
from deployer.model.stack import StackSettings
from deployer.source import schemas
from deployer.source.schemas import KINDS, Kind, schema
from deployer.source.typed import convert

NODE = "address: local\n"
GOOD: list[tuple[Kind, str]] = [
    ("cluster", "name: a\n"),
    ("cluster", "name: a\nssh: {}\nengine: {}\nconsul: {}\n"),
    ("cluster", "name: a-1\nssh: {user: _x, port: 65535, identity_file: ~/.ssh/id, connect_timeout: 0.5}\n"),
    ("cluster", "name: a\nssh: {port: 22.0, connect_timeout: 120}\n"),
    ("cluster", "name: a\nengine: {install: none, daemon: {a: [1, null, {b: x}], c: null}}\n"),
    ("cluster", "name: a\nconsul: {image: 'localhost:5000/consul:1', datacenter: x}\n"),
    ("node", NODE),
    (
        "node",
        NODE
        + "swarm: none\nadvertise: eth0.5\nlabels: {a: '', b: 'yes', c: no}\navailability: pause\nconsul: server\n",
    ),
    ("node", "address: 2001:db8::1\nssh: {port: 1}\nengine: {install: docker}\n"),
    ("stack", "{}\n"),
    ("stack", "x-deployer: {}\n"),
    ("stack", "x-deployer: {drift: report, ignore: [replicas]}\n"),
    ("cluster", "name: a\npolicy: {drift: report}\n"),
    ("stack", "services: {web: {image: 5}}\nx-deployer: {after: [a, b_c], mode: swarm, wait: 5m}\n"),
    ("stack", "x-deployer: {mode: compose, node: a}\n"),
]
BAD: list[tuple[Kind, str]] = [
    ("cluster", "- a\n"),
    ("cluster", "{}\n"),
    ("cluster", "name: A\n"),
    ("cluster", "name: -a\n"),
    ("cluster", f"name: {'a' * 64}\n"),
    ("cluster", "name: 5\n"),
    ("cluster", "name: true\n"),
    ("cluster", "name:\n"),
    ("cluster", "name: [a]\n"),
    ("cluster", "name: a\nproxy: {}\n"),
    ("cluster", "name: a\nssh:\n"),
    ("cluster", "name: a\nssh: root\n"),
    ("cluster", "name: a\nssh: {user: }\n"),
    ("cluster", "name: a\nssh: {user: Root}\n"),
    ("cluster", "name: a\nssh: {users: root}\n"),
    ("cluster", "name: a\nssh: {port: 0}\n"),
    ("cluster", "name: a\nssh: {port: 65536}\n"),
    ("cluster", "name: a\nssh: {port: 22.5}\n"),
    ("cluster", "name: a\nssh: {port: '22'}\n"),
    ("cluster", "name: a\nssh: {port: true}\n"),
    ("cluster", "name: a\nssh: {identity_file: ''}\n"),
    ("cluster", "name: a\nssh: {connect_timeout: 0}\n"),
    ("cluster", "name: a\nssh: {connect_timeout: 120.5}\n"),
    ("cluster", "name: a\nssh: {connect_timeout: false}\n"),
    ("cluster", "name: a\nengine: {install: apt}\n"),
    ("cluster", "name: a\nengine: {install: 5}\n"),
    ("cluster", "name: a\nengine: {daemon: []}\n"),
    ("cluster", "name: a\nengine: {daemon: }\n"),
    ("cluster", "name: a\nconsul:\n"),
    ("cluster", "name: a\nconsul: true\n"),
    ("cluster", "name: a\nconsul: {image: ''}\n"),
    ("node", "swarm: manager\n"),
    ("node", "address: ''\n"),
    ("node", "address: root@host\n"),
    ("node", NODE + "swarm: no\n"),
    ("node", NODE + "swarm: true\n"),
    ("node", NODE + "advertise: -x\n"),
    ("node", NODE + "labels: {a: 1}\n"),
    ("node", NODE + "labels: {a: }\n"),
    ("node", NODE + "labels: a\n"),
    ("node", NODE + "consul: client\n"),
    ("node", NODE + "consul: \n"),
    ("node", NODE + "availability: \n"),
    ("node", NODE + "engine: {daemons: {}}\n"),
    ("stack", "x-deployer:\n"),
    ("stack", "x-deployer: []\n"),
    ("stack", "x-deployer: {after: a}\n"),
    ("stack", "x-deployer: {after: [A]}\n"),
    ("stack", "x-deployer: {after: [5]}\n"),
    ("stack", "x-deployer: {wait: 0s}\n"),
    ("stack", "x-deployer: {wait: 5h}\n"),
    ("stack", "x-deployer: {wait: 5}\n"),
    ("stack", "x-deployer: {mode: kube}\n"),
    ("stack", "x-deployer: {node: A}\n"),
]


def by_schema(kind: Kind, value: Any) -> bool:
    validator: Any = jsonschema.Draft202012Validator(schema(kind))
    return bool(validator.is_valid(value))


def by_us(kind: Kind, text: str) -> bool:
    document, problems = parse("f.yaml", text.encode())
    assert document is not None
    assert not problems
    if kind == "stack":
        return "x-deployer" not in document.value or not convert(document, StackSettings, ("x-deployer",))[1]
    return not (convert(document, ClusterFile)[1] if kind == "cluster" else convert(document, NodeFile)[1])


@pytest.mark.parametrize(("kind", "text", "good"), [*((*one, True) for one in GOOD), *((*one, False) for one in BAD)])
def test_the_schema_and_our_validation_agree(kind: Kind, text: str, good: bool) -> None:  # noqa: FBT001 - a table's column
    document = parse("f.yaml", text.encode())[0]
    assert document is not None
    assert by_us(kind, text) is good
    assert by_schema(kind, document.value) is good


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_itself(kind: Kind) -> None:
    made = schema(kind)
    jsonschema.Draft202012Validator.check_schema(made)
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert made["title"]
    assert json.loads(schemas.text(made)) == made
    assert "$id" not in schemas.text(made)
    references = {value for key, value in walk(made) if key == "$ref"}
    assert references <= {f"#/$defs/{name}" for name in made.get("$defs", {})}


def test_every_key_of_the_files_is_described() -> None:
    for kind in KINDS:
        for key, value in walk(schema(kind)):
            if key == "properties":
                undescribed = {name for name, one in value.items() if "description" not in one and "$ref" not in one}
                assert undescribed == set()


def walk(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [*value.items(), *(pair for below in value.values() for pair in walk(below))]
    return [pair for below in value for pair in walk(below)] if isinstance(value, list) else []
