"""Encrypted files that are made to harm: what is read of them is bounded, and grows with the file and with nothing else."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.compose.variables import EnvFileError, read_literal
from deployer.encrypted import CannotOpenError, Kind, kind_of
from deployer.encrypted.check import find_refusals, problem_of
from deployer.encrypted.leaves import DamagedError
from deployer.encrypted.opener import Opener
from deployer.encrypted.rules import read_rule
from deployer.model.allowed import EVERYTHING, Allowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.encrypted.conftest import Keys

pytestmark = pytest.mark.timeout(120)
"""What took a step for each pair of characters would take hours."""

VALUE = "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]"
SECTION: dict[str, Any] = {"age": [{"recipient": "a", "enc": "b"}], "lastmodified": "x", "mac": VALUE}
KINDS: tuple[Kind, ...] = ("sops-yaml", "sops-json", "sops-binary", "sops-dotenv", "sops-ini")
TEXTS = {"a.yaml": "a: one\nb: two\n", "a.json": '{"a": "one", "b": "two"}', "a.env": "A=one\nB=two\n", "a.ini": "[x]\na = one\nb = two\n",
         "a.bin": "one two\n"}  # fmt: skip


def in_yaml(body: str, rule: str = "") -> bytes:
    return f"{body}\nsops:\n  age: [{{recipient: a, enc: b}}]\n  lastmodified: x\n  mac: '{VALUE}'\n{rule}".encode()


def in_json(body: str) -> bytes:
    return f'{{"a": {body}, "sops": {json.dumps(SECTION)}}}'.encode()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("sops-yaml", in_yaml("a: 'ENC[AES256_GCM,data:" + ",iv:x,tag:x" * 80_000 + "'")),
        ("sops-yaml", in_yaml(f"{'a' * 46}!: 1", "  encrypted_regex: ^(a+)+$\n")),
        ("sops-yaml", in_yaml(f"{'a' * 46}!: 1", "  unencrypted_regex: (a|aa)+$\n")),
        ("sops-yaml", in_yaml("\n".join(f"{'k' * 900}{n}: 1" for n in range(900)), "  encrypted_regex: (?:[a-z]?){300}z{300}\n")),
        ("sops-yaml", in_yaml("- 1\n" * 250_000)),
        ("sops-yaml", b"---\na: 1\n" * 100_000),
        ("sops-yaml", b"sops:\n  a: 1\n" * 70_000),
        ("sops-yaml", in_yaml("a: " + "[" * 500_000)),
        ("sops-yaml", in_yaml("a: 2024-01-02" + " " * 900_000 + "x")),
        ("sops-json", b'{"a":' * 150_000),
        ("sops-json", b'{"a":' * 500 + b"1" + b"}" * 500),
        ("sops-json", in_json("1" * 900_000)),
        ("sops-json", in_json("0." + "1" * 900_000)),
        ("sops-json", in_json("[" + "1," * 400_000 + "1]")),
        ("sops-json", in_json("[" + "[]," * 300_000 + "1]")),
        ("sops-dotenv", b"".join(b"sops_a__list_%d__map_b=1\n" % n for n in range(30_000))),
        ("sops-dotenv", b"sops_a" + b"__map_b" * 100_000 + b"=1\n"),
        ("sops-dotenv", b"sops_age__list_" + b"9" * 900_000 + b"__map_b=1\n"),
        ("sops-ini", b"[a]\n" * 250_000),
        ("sops-ini", b"[sops]\na__list_\xd9\xa3__map_b = 1\n"),
    ],
    ids=range(20),
)  # fmt: skip
def test_large_and_odd_files_end(kind: Kind, data: bytes) -> None:
    found = problem_of(kind, data)
    assert found is not None or kind == "sops-yaml"
    assert find_refusals(kind, data, Allowed()) == []
    if found is not None:
        assert len(found.message) < 300


@pytest.mark.parametrize(
    "data",
    [
        b"ENC[AES256_GCM,sops:" + b" " * 1_000_000, b"{ENC[AES256_GCM," + b'"sops"' + b" " * 1_000_000,
        b"{ENC[AES256_GCM," + (b'"sops"' + b" " * 1_000) * 1_000, b"{" + b'"data"' + b" " * 900_000 + b"ENC[AES256_GCM,",
    ],
)  # fmt: skip
def test_what_a_file_is_is_told_at_once(data: bytes) -> None:
    assert kind_of("a", data) is None


@pytest.mark.parametrize(
    "text",
    [
        "A=1\n" * 250_000, "A=x" + " #" * 400_000, 'A="' + "\\n" * 400_000, 'A="' + "\\n" * 400_000 + '"', 'A="" ' * 200_000,
        " " * 1_000_000, ("export" + " " * 100_000) * 9, "A='" * 300_000,
    ],
    ids=range(8),
)  # fmt: skip
def test_large_env_files_end(text: str) -> None:
    with contextlib.suppress(EnvFileError):
        assert len(read_literal(text)) <= 1


def test_a_rule_is_asked_once_for_each_key() -> None:
    rule = read_rule({"encrypted_regex": "^(a+)+$"})
    asked: list[str] = []
    matches = rule.matches

    def noting(key: str) -> bool:
        asked.append(key)
        return matches(key)

    object.__setattr__(rule, "matches", noting)
    for _ in range(1_000):
        assert rule.encrypts(("top", "aaa"))
        assert not rule.encrypts(("top", "a" * 46 + "!"))
    assert asked == ["top", "aaa", "a" * 46 + "!"]


def steps(what: Callable[[], object]) -> int:
    """How many functions are called, of Python's own and of others."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        what()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("kind", KINDS)
def test_twice_the_values_are_twice_the_work(kind: Kind) -> None:
    def made(number: int) -> bytes:
        if kind == "sops-yaml":
            return in_yaml("\n".join(f"a{n}: {VALUE}" for n in range(number)), "  encrypted_regex: ^a\n")
        if kind in {"sops-json", "sops-binary"}:
            return in_json(json.dumps({f"a{n}": VALUE for n in range(number)}))
        lines = "\n".join(f"a{n}={VALUE}" for n in range(number))
        if kind == "sops-dotenv":
            return f"{lines}\nsops_mac={VALUE}\nsops_lastmodified=x\nsops_age__list_0__map_recipient=a\n".encode()
        return f"[x]\n{lines}\n[sops]\nmac = {VALUE}\nlastmodified = x\nage__list_0__map_recipient = a\n".encode()

    assert problem_of(kind, made(1)) is None
    few, many = (steps(lambda number=number: problem_of(kind, made(number))) for number in (500, 1_000))  # type: ignore[misc]
    assert many < 2.2 * few


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"encrypted_regex": "("}, "its encrypted_regex cannot be read"),
        ({"encrypted_regex": r"(a)\1"}, "its encrypted_regex cannot be read"),
        ({"encrypted_regex": "(?=a)"}, "its encrypted_regex cannot be read"),
        ({"encrypted_regex": "a" * 1_001}, "its encrypted_regex is too large"),
        ({"encrypted_regex": "((a?){30}){30}"}, "its encrypted_regex is too large"),
        ({"encrypted_regex": "((a{100}){100}){100}"}, "its encrypted_regex cannot be read"),
        ({"unencrypted_regex": "\ud800"}, "its unencrypted_regex cannot be read"),
        ({"encrypted_suffix": "a", "encrypted_regex": "a"}, "it has encrypted_suffix and encrypted_regex, and sops takes one of them"),
    ],
)  # fmt: skip
def test_rules_that_are_none(section: dict[str, str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DamagedError) as caught:
        read_rule(section)
    assert str(caught.value) == said
    assert capfd.readouterr() == ("", "")


def test_without_a_rule_the_usual_one_counts() -> None:
    rule = read_rule({})
    assert rule.encrypts(("a", "b"))
    assert not rule.encrypts(("a_unencrypted", "b"))


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("change", ["mac", "value", "swapped", "taken out", "time"])
def test_a_mac_that_does_not_fit(at_home: Keys, name: str, change: str) -> None:
    text = at_home.encrypt(name, TEXTS[name]).decode()
    values = [one[0] for one in re.finditer(r"ENC\[AES256_GCM,[^\]]+\]", text)]
    mac = next(one for one in values if len(one) > 250)
    first, second = (*[one for one in values if one != mac], mac)[:2]
    other = first.replace("data:", "data:AAAA", 1)
    changed = {
        "mac": text.replace(mac, mac.replace("data:", "data:AAAA", 1)),
        "value": text.replace(first, other),
        "swapped": text.replace(first, "@").replace(second, first).replace("@", second),
        "taken out": text.replace(first, ""),
        "time": re.sub(r"20\d\d-", "1999-", text),
    }[change]
    assert changed != text
    kind = kind_of(name, changed.encode())
    if kind is None:  # a binary file whose one value is gone
        return
    with pytest.raises(CannotOpenError) as caught:
        Opener().open(kind, changed.encode(), EVERYTHING)
    assert "cannot be opened" in caught.value.message
    assert "one" not in caught.value.message.replace("none", "")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(VALUE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms", "key_groups", "shamir_threshold", "mac", "lastmodified",
     "encrypted_regex", "unencrypted_suffix", "encrypted_comment_regex", "mac_only_encrypted"]
)  # fmt: skip
FIELDS = st.sampled_from(
    ["recipient", "enc", "arn", "role", "context", "vault_address", "engine_path", "key_name", "fp"]
)


@settings(max_examples=40, deadline=None)
@given(
    section=st.dictionaries(
        NAMES | st.text(max_size=8),
        ANYTHING | st.lists(st.dictionaries(FIELDS, ANYTHING, max_size=4), max_size=3),
        max_size=8,
    ),
    body=ANYTHING,
)
def test_whatever_a_section_says_is_a_problem_or_none(section: dict[str, Any], body: object) -> None:
    data = json.dumps({"a": body, "sops": {"mac": VALUE, "lastmodified": "x", **section}}).encode()
    for kind in ("sops-json", "sops-yaml"):
        problem_of(kind, data)
        find_refusals(kind, data, Allowed())


@settings(max_examples=40, deadline=None)
@given(
    lines=st.lists(
        st.tuples(
            st.lists(st.sampled_from(["age", "hc_vault", "key_groups", "enc", "mac", "list_0", "list_1", "list_x", "map_a", ""]), max_size=4),
            st.text("ab1=[]\\\"' ", max_size=6) | st.just(VALUE),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_whatever_lines_say_is_a_problem_or_none(lines: list[tuple[list[str], str]]) -> None:
    named = [("__".join(words), value) for words, value in lines]
    env = "".join(f"sops_{name}={value}\n" for name, value in named)
    ini = "[sops]\n" + "".join(f"{name} = {value}\n" for name, value in named)
    for kind, text in (("sops-dotenv", env), ("sops-ini", ini)):
        problem_of(kind, text.encode())  # type: ignore[arg-type]  # they are kinds
        find_refusals(kind, text.encode(), Allowed())  # type: ignore[arg-type]  # as above
