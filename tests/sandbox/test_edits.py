from __future__ import annotations

import pytest
import yaml

from deployer.errors import DeployerError
from deployer.sandbox.edits import set_value

CASES = [
    ("address: 203.0.113.9\n", ("address",), "10.99.0.11", "address: 10.99.0.11\n"),
    ("# a\naddress: 203.0.113.9   # b\nswarm: none\n", ("address",), "10.99.0.11", "# a\naddress: 10.99.0.11   # b\nswarm: none\n"),
    ('address: "203.0.113.9" # b\n', ("address",), "10.99.0.11", "address: 10.99.0.11 # b\n"),
    ("address:\nswarm: none\n", ("address",), "10.99.0.11", "address: 10.99.0.11\nswarm: none\n"),
    ("swarm: none # c\n\n# end\n", ("address",), "a.example", "swarm: none # c\naddress: a.example\n\n# end\n"),
    ("swarm: none", ("address",), "a.example", "swarm: none\naddress: a.example\n"),
    ("", ("address",), "a.example", "address: a.example\n"),
    ("# only this\n", ("ssh", "identity_file"), "~/.k", "# only this\nssh:\n  identity_file: ~/.k\n"),
    ("ssh: {user: root, identity_file: ~/.ssh/id}  # d\n", ("ssh", "identity_file"), "~/k", "ssh: {user: root, identity_file: ~/k}  # d\n"),
    ("ssh: {user: root}\nname: x\n", ("ssh", "identity_file"), "~/k", "ssh: {user: root, identity_file: ~/k}\nname: x\n"),
    ("ssh: {}\n", ("ssh", "identity_file"), "~/k", "ssh: {identity_file: ~/k}\n"),
    ("ssh:\n  user: root # e\n\nname: x\n", ("ssh", "identity_file"), "~/k", "ssh:\n  user: root # e\n  identity_file: ~/k\n\nname: x\n"),
    ("{name: x}\n", ("ssh", "identity_file"), "~/k", "{name: x, ssh: {identity_file: ~/k}}\n"),
    ("name: x\n", ("ssh", "identity_file"), "/my keys/k", 'name: x\nssh:\n  identity_file: "/my keys/k"\n'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "keys", "value", "expected"), CASES)
def test_one_value_changes_and_nothing_else(text: str, keys: tuple[str, ...], value: str, expected: str) -> None:
    assert set_value(text, keys, value) == expected


@pytest.mark.parametrize(("text", "keys", "value", "expected"), CASES)
def test_what_is_written_is_read_back_and_not_written_again(
    text: str, keys: tuple[str, ...], value: str, expected: str
) -> None:
    written = set_value(text, keys, value)
    found = yaml.safe_load(written)
    for key in keys:
        found = found[key]
    assert found == value
    assert set_value(written, keys, value) == written


@pytest.mark.parametrize(
    "value", ["1.5", "12", "1e3", "true", "~", "null", "a: b", "# x", "ä", "-", "", "0x1f", "1:30"]
)
def test_a_value_that_yaml_takes_for_something_else_stays_text(value: str) -> None:
    assert yaml.safe_load(set_value("a: x\n", ("a",), value)) == {"a": value}


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "ssh: 1\n", "ssh: {identity_file: [a]}\n"])
def test_a_file_of_another_shape_is_an_error_not_a_guess(text: str) -> None:
    with pytest.raises(DeployerError):
        set_value(text, ("ssh", "identity_file"), "~/k")
