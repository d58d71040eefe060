"""Files that the real sops and the real age made: what comes out is what went in, or an error that says why not."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pyrage
import pytest

from deployer.encrypted import CannotOpenError, Kind, kind_of
from deployer.encrypted.check import outline, problem_of
from deployer.encrypted.opener import Opener
from deployer.model.allowed import EVERYTHING
from tests.encrypted.conftest import Keys, make_keys, only

if TYPE_CHECKING:
    from pathlib import Path

YAML = """\
# what is above
db:
  pass: geheim # beside
  port: 5432
  ratio: 1.5
  whole: 1.0
  big: 1.5e21
  on: true
  when: 2024-01-02
  none: null
  empty: ""
  list: [a, 2, {x: "y: z"}]
  text: |
    line 1
    line 2 "q" \\
plain_unencrypted: 0x10
float_unencrypted: 1.0
bool_unencrypted: yes
time_unencrypted: 2024-01-02 10:11:12
odd: "äöü \\u2028 \\x07 '\\""
"""
JSON = '{"a": {"b": "c\\n", "n": 12, "f": 1.5, "l": [1, "x", null, true, {}]}, "k_unencrypted": {"n": 12345, "e": 1e3}}'
DOTENV = '# comment\nA=1\nB="quoted # x"\nEMPTY=\nMULTI=x\\ny\nURL=postgres://u:p@h/d?x=1\n'
INI = "top = 1\n[one]\nkey = value\nother=2\n[two]\nlong = a=b\n"


def opened(name: str, data: bytes) -> bytes:
    kind = kind_of(name, data)
    assert kind is not None
    assert problem_of(kind, data) is None
    return Opener().open(kind, data, EVERYTHING)


@pytest.mark.parametrize(
    ("name", "text", "kind", "options"),
    [
        ("a.yaml", YAML, "sops-yaml", ()),
        ("a.yaml", YAML, "sops-yaml", ("--mac-only-encrypted", "--encrypted-regex", "^(pass|text|list)$")),
        ("a.yaml", YAML, "sops-yaml", ("--unencrypted-regex", "^(port|text)$")),
        ("two.yaml", "a: 1\n---\nb: two\n", "sops-yaml", ()),
        ("one.yaml", "{a: 1, b: [x, {c: d}]}\n", "sops-yaml", ("--unencrypted-regex", "c")),
        ("merged.yaml", "a: &a {x: 1, y: two}\nb: *a\nc:\n  <<: *a\n  z: 3\n", "sops-yaml", ()),
        ("a.json", JSON, "sops-json", ()),
        ("a.json", JSON, "sops-json", ("--encrypted-suffix", "b")),
        ("a.env", DOTENV, "sops-dotenv", ("--mac-only-encrypted",)),
        ("a.ini", INI, "sops-ini", ()),
        ("a.conf", "any\nbytes {\n", "sops-binary", ()),
    ],
)
def test_what_sops_encrypted_is_read_as_sops_reads_it(
    at_home: Keys, name: str, text: str, kind: Kind, options: tuple[str, ...]
) -> None:
    encrypted = at_home.encrypt(name, text, *options)
    assert kind_of(name, encrypted) == kind
    assert opened(name, encrypted) == at_home.decrypt(name, encrypted)
    if kind == "sops-json":
        assert json.loads(opened(name, encrypted)) == json.loads(text)


def test_what_is_no_text_comes_out_as_it_went_in(at_home: Keys) -> None:
    data = bytes(range(256))
    encrypted = at_home.encrypt("a.bin", data)
    assert opened("a.bin", encrypted) == data


def test_an_outline_shows_names_and_clear_values(keys: Keys) -> None:
    encrypted = keys.encrypt("a.env", "A=1\nB_unencrypted=2\nEMPTY=\n")
    assert outline(encrypted) == [("A", None), ("B_unencrypted", "2"), ("EMPTY", "")]


@pytest.mark.parametrize("armored", [False, True])
def test_what_age_encrypted_is_read(at_home: Keys, *, armored: bool) -> None:
    encrypted = at_home.age("geheim\n", armored=armored)
    assert kind_of("a.age", encrypted) == "age"
    assert opened("a.age", encrypted) == b"geheim\n"


def test_ssh_keys_are_age_keys_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / ".ssh/id_ed25519"
    key.parent.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    recipient = pyrage.ssh.Recipient.from_str(key.with_suffix(".pub").read_text().strip())
    only(tmp_path, monkeypatch)
    assert opened("a", bytes(pyrage.encrypt(b"geheim", [recipient]))) == b"geheim"


@pytest.mark.parametrize("place", ["SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "deployer"])
def test_keys_are_found_where_sops_finds_them_and_in_a_place_of_our_own(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    only(tmp_path, monkeypatch)
    text = (keys.home / ".config/sops/age/keys.txt").read_text()
    file = tmp_path / ".config/deployer/age.txt"
    file.parent.mkdir(parents=True)
    chosen = file if place == "deployer" else tmp_path / "k"
    chosen.write_text(text)
    chosen.chmod(0o600)
    if place == "SOPS_AGE_KEY":
        monkeypatch.setenv(place, text.splitlines()[1])
    elif place == "SOPS_AGE_KEY_FILE":
        monkeypatch.setenv(place, str(tmp_path / "k"))
    assert opened("a", keys.age("x")) == b"x"


def test_without_a_key_the_recipient_is_named(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encrypted = keys.encrypt("a.yaml", "a: geheim\n")
    only(tmp_path, monkeypatch)
    with pytest.raises(CannotOpenError) as caught:
        opened("a.yaml", encrypted)
    assert keys.recipient in caught.value.message
    assert "there is no key here" in caught.value.message
    assert "SOPS_AGE_KEY_FILE" in caught.value.help


@pytest.mark.parametrize("age", [False, True])
def test_another_key_does_not_open(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, age: bool) -> None:
    encrypted = keys.age("geheim") if age else keys.encrypt("a.yaml", "a: geheim\n")
    only(make_keys(tmp_path).home, monkeypatch)
    with pytest.raises(CannotOpenError, match=r"none of the keys in .* opens it"):
        opened("a.yaml", encrypted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: swapped(text, "a: ", "b: "), "a cannot be decrypted"),
        (lambda text: text.replace("a: ", "renamed: ", 1), "renamed cannot be decrypted"),
        (lambda text: text.replace("n_unencrypted: 1", "n_unencrypted: 2"), "MAC"),
        (lambda text: "extra_unencrypted: 1\n" + text, "MAC"),
        (lambda text: without(text, "b: "), "MAC"),
        (lambda text: without(text, "    mac: "), "no mac"),
    ],
    ids=["swapped", "renamed", "changed", "added", "removed", "no-mac"],
)
def test_a_file_that_was_changed_by_hand_is_refused(at_home: Keys, change: object, message: str) -> None:
    text = at_home.encrypt("a.yaml", "a: one\nb: two\nn_unencrypted: 1\n").decode()
    assert callable(change)
    with pytest.raises(CannotOpenError, match=message) as caught:
        Opener().open("sops-yaml", change(text).encode(), EVERYTHING)
    assert "one" not in str(caught.value).replace("none", "")


def swapped(text: str, one: str, other: str) -> str:
    values = {line[:3]: line[3:] for line in text.splitlines() if line.startswith((one, other))}
    return text.replace(values[one], "@").replace(values[other], values[one]).replace("@", values[other])


def without(text: str, start: str) -> str:
    return "".join(line + "\n" for line in text.splitlines() if not line.startswith(start))


def test_a_damaged_age_file_is_refused(at_home: Keys) -> None:
    encrypted = at_home.age("geheim")
    with pytest.raises(CannotOpenError, match="cannot be decrypted"):
        opened("a", encrypted[:-1])
    assert problem_of("age", encrypted[:30]) is not None


def test_a_value_in_the_clear_is_found_without_a_key(keys: Keys, tmp_path: Path) -> None:
    text = keys.encrypt("a.yaml", "a:\n    b: one\n").decode()
    found = problem_of("sops-yaml", ("c:\n    d: in the clear\n" + text).encode())
    assert found is not None
    assert (found.line, "c.d" in found.message) == (2, True)
    assert "in the clear\n" not in found.message


@pytest.mark.parametrize(
    "text", ["a: 1\nsops:\n  x: ENC[AES256_GCM,\n", "{", "sops_mac=ENC[\nx", "[sops]\nmac = ENC[AES256_GCM,\n"]
)
@pytest.mark.parametrize("kind", ["sops-yaml", "sops-json", "sops-binary", "sops-dotenv", "sops-ini"])
def test_whatever_is_no_sops_file_is_a_problem_and_no_crash(text: str, kind: Kind) -> None:
    assert problem_of(kind, text.encode()) is not None


@pytest.mark.parametrize(
    "text", [b"", b"a: 1", b"sops:\n  a: b\n", b'{"sops": {}}', b"ENC[AES256_GCM,data:x]", b"A=1\nB=2\n"]
)
def test_ordinary_files_are_not_encrypted(text: bytes) -> None:
    assert kind_of("a.yaml", text) is None
