"""Files whose keys a key service has: the real sops asks it where that is allowed, and asks nobody otherwise."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from deployer.encrypted import CannotOpenError, kind_of
from deployer.encrypted.check import find_refusals, problem_of
from deployer.encrypted.confined import environment
from deployer.encrypted.opener import Opener
from deployer.encrypted.program import reason
from deployer.model.allowed import EVERYTHING, Allowed, read_allowed
from tests.encrypted.conftest import SOPS, Keys, make_keys, only
from tests.encrypted.vault import Vault, vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "canary-token-of-this-machine"
TEXTS = {
    "a.yaml": "a: geheim # why\nb: [1, 2.5, true]\n",
    "a.json": '{"a": "geheim", "b": [1, 2.5, true]}',
    "a.env": "A=geheim\nB=2\n",
    "a.ini": "[one]\na = geheim\n",
    "a.bin": "geheim\n",
}


@pytest.fixture
def service() -> Iterator[Vault]:
    with vault() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a token for Vault, and with sops on the path; nothing of this machine's own."""
    only(tmp_path, monkeypatch)
    for name in list(os.environ):
        if name.startswith(("VAULT_", "AWS_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{os.path.dirname(SOPS)}:{os.environ['PATH']}")  # noqa: PTH120 - a part of PATH
    (tmp_path / ".vault-token").write_text(TOKEN)
    return tmp_path


def encrypt(home: Path, name: str, *options: str, text: str = "") -> bytes:
    file = home / name
    file.write_text(text or TEXTS[name])
    done = subprocess.run([SOPS, "--encrypt", *options, str(file)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    file.unlink()
    return done.stdout


def allows(*entries: str) -> Allowed:
    found, wrong = read_allowed(entries, Allowed())
    assert wrong == ()
    return found


def opened(name: str, data: bytes, allowed: Allowed) -> bytes:
    kind = kind_of(name, data)
    assert kind is not None
    return Opener().open(kind, data, allowed)


def refusal(name: str, data: bytes, allowed: Allowed) -> CannotOpenError:
    with pytest.raises(CannotOpenError) as caught:
        opened(name, data, allowed)
    said = caught.value.message + caught.value.help
    assert TOKEN not in said
    assert "geheim" not in said
    return caught.value


@pytest.mark.parametrize("name", TEXTS)
def test_an_allowed_service_is_asked_for_the_key_and_the_file_is_read_here(
    home: Path, service: Vault, name: str
) -> None:
    data = encrypt(home, name, "--hc-vault-transit", service.key)
    service.asked.clear()
    plain = opened(name, data, allows(service.address))
    assert b"geheim" in plain
    assert b"ENC[" not in plain
    assert service.asked == [("/v1/transit/decrypt/first", TOKEN)]
    assert opened(name, data, EVERYTHING) == opened(name, data, allows(service.key)) == plain


@pytest.mark.parametrize("name", TEXTS)
def test_one_that_is_not_allowed_is_not_asked_and_the_setting_is_named_with_its_line(
    home: Path, service: Vault, name: str
) -> None:
    data = encrypt(home, name, "--hc-vault-transit", service.key)
    service.asked.clear()
    kind = kind_of(name, data)
    assert kind is not None
    for allowed in (allows(), allows("https://127.0.0.1"), allows(f"{service.address}/v1/other"), allows("pgp")):
        error = refusal(name, data, allowed)
        assert "hc_vault key" in error.message
        assert f"git config --add deployer.allow {service.key}" in error.help
        lines = data.decode().splitlines()
        assert service.address in lines[error.line - 1][error.column - 1 :]
        assert [(one.line, one.column, one.help) for one in find_refusals(kind, data, allowed)] == [
            (error.line, error.column, error.help)
        ]
    assert problem_of(kind, data) is None
    assert find_refusals(kind, data, allows(service.key)) == []
    assert service.asked == []


def test_of_two_services_the_allowed_one_alone_is_asked(home: Path, service: Vault) -> None:
    with vault() as other:
        data = encrypt(home, "a.yaml", "--hc-vault-transit", f"{other.key},{service.key}")
        for one, another in ((service, other), (other, service)):
            service.asked.clear()
            other.asked.clear()
            assert b"geheim" in opened("a.yaml", data, allows(one.address))
            assert (len(one.asked), another.asked) == (1, [])


def test_a_key_that_is_here_is_enough(home: Path, service: Vault) -> None:
    keys = make_keys(home)
    data = encrypt(home, "a.yaml", "--age", keys.recipient, "--hc-vault-transit", service.key)
    service.asked.clear()
    assert b"geheim" in opened("a.yaml", data, allows())
    assert find_refusals("sops-yaml", data, allows()) == []
    (home / ".config/sops/age/keys.txt").unlink()
    assert "hc_vault key" in refusal("a.yaml", data, allows()).message
    assert service.asked == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key_name", "../../sys/seal"), ("key_name", ".."), ("key_name", "first?x=1"), ("key_name", "a/b"), ("key_name", ""),
        ("engine_path", "../sys/policies/acl"), ("engine_path", "/transit"), ("engine_path", "transit/../sys"),
        ("vault_address", "{}@evil.example"), ("vault_address", "{}/../x"), ("vault_address", "{}#"), ("vault_address", "{} "),
        ("vault_address", "{}?x"), ("vault_address", "{}\\\\@evil.example"),
    ],
)  # fmt: skip
def test_an_address_or_path_that_could_be_read_in_two_ways_is_not_asked_at_all(
    home: Path, service: Vault, field: str, value: str
) -> None:
    data = encrypt(home, "a.json", "--hc-vault-transit", service.key)
    document = json.loads(data)
    document["sops"]["hc_vault"][0][field] = value.replace("{}", service.address)
    service.asked.clear()
    error = refusal("a.json", json.dumps(document).encode(), allows(service.address))
    assert "is no plain address, name or id" in error.message
    assert service.asked == []


SECOND = '{"vault_address": "%s", "engine_path": "transit", "key_name": "first", "created_at": "2026-01-01T00:00:00Z", "enc": "vault:v1:AAAA"}'


@pytest.mark.parametrize("key", ["SOPS", "Sops", "\u017fops", "sops"])
def test_a_second_section_that_another_reader_would_take_is_never_seen_by_one(
    home: Path, service: Vault, key: str
) -> None:
    """Go's reader of JSON knows `sops` in capital letters, too, and takes the last of two."""
    keys = make_keys(home)
    data = encrypt(home, "a.json", "--age", keys.recipient).decode()
    (home / ".config/sops/age/keys.txt").unlink()
    with vault() as evil:
        section = json.dumps(json.loads(data)["sops"] | {"age": None, "hc_vault": [json.loads(SECOND % evil.address)]})
        both = f"{data.rstrip().removesuffix('}')}, {json.dumps(key)}: {section}}}"
        with pytest.raises(CannotOpenError):
            opened("a.json", both.encode(), allows(service.address))
        assert evil.asked == []


@pytest.mark.parametrize(
    "line",
    ["!!binary c29wcw==:", "!!binary 'c29wcw==' :", '"\\x73ops":', "? !!binary c29wcw==\n:", "<<: {sops:", "&a sops:"],
)
def test_the_same_in_yaml(home: Path, service: Vault, line: str) -> None:
    keys = make_keys(home)
    data = encrypt(home, "a.yaml", "--age", keys.recipient).decode()
    (home / ".config/sops/age/keys.txt").unlink()
    with vault() as evil:
        second = f"{line} {{hc_vault: [{SECOND % evil.address}]}}" + ("}" if "{sops" in line else "")
        with pytest.raises(CannotOpenError):
            opened("a.yaml", f"{second}\n{data}".encode(), allows(service.address))
        with pytest.raises(CannotOpenError):
            opened("a.yaml", f"{data}\n{second}\n".encode(), allows(service.address))
        assert evil.asked == []


def test_keys_in_groups(home: Path, service: Vault) -> None:
    """Two of two: a key of age's, and one of Vault's; the program puts the parts together."""
    keys = make_keys(home)
    config = home / "groups.yaml"
    groups = [{"age": [keys.recipient]}, {"hc_vault": [service.key]}]
    config.write_text(json.dumps({"creation_rules": [{"shamir_threshold": 2, "key_groups": groups}]}))
    data = encrypt(home, "a.yaml", "--config", str(config))
    service.asked.clear()
    assert "hc_vault key" in refusal("a.yaml", data, allows()).message
    assert find_refusals("sops-yaml", data, allows()) != []
    assert service.asked == []
    assert b"geheim" in opened("a.yaml", data, allows(service.address))
    assert [path for path, _ in service.asked] == ["/v1/transit/decrypt/first"]


def test_groups_of_keys_that_are_all_here_need_nobodys_leave(home: Path) -> None:
    keys = make_keys(home)
    config = home / "groups.yaml"
    groups = [{"age": [keys.recipient]}, {"age": [keys.recipient]}]
    config.write_text(json.dumps({"creation_rules": [{"shamir_threshold": 2, "key_groups": groups}]}))
    data = encrypt(home, "a.yaml", "--config", str(config))
    assert find_refusals("sops-yaml", data, allows()) == []
    assert b"geheim" in opened("a.yaml", data, allows())


@pytest.mark.parametrize("name", ["a.yaml", "a.env", "a.ini"])
def test_groups_are_read_from_every_notation(home: Path, service: Vault, name: str) -> None:
    keys = make_keys(home)
    config = home / "groups.yaml"
    groups = [{"age": [keys.recipient]}, {"hc_vault": [service.key]}, {"hc_vault": [service.key]}]
    config.write_text(json.dumps({"creation_rules": [{"shamir_threshold": 2, "key_groups": groups}]}))
    data = encrypt(home, name, "--config", str(config))
    assert b"geheim" in opened(name, data, allows(service.address))


@pytest.mark.skipif(shutil.which("gpg") is None, reason="there is no gpg")
def test_pgp(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("g")
    folder.chmod(0o700)
    monkeypatch.setenv("GNUPGHOME", str(folder))
    gpg = (
        "gpg",
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-generate-key",
        "a@example.org",
        "default",
        "default",
    )
    subprocess.run(gpg, check=True, capture_output=True)
    listed = subprocess.run(["gpg", "--list-keys", "--with-colons"], check=True, capture_output=True, text=True).stdout
    fingerprint = re.search(r"^fpr:+([0-9A-F]{40}):", listed, re.MULTILINE)
    assert fingerprint
    try:
        data = encrypt(home, "a.yaml", "--pgp", fingerprint[1])
        assert "git config --add deployer.allow pgp" in refusal("a.yaml", data, allows()).help
        assert b"geheim" in opened("a.yaml", data, allows("pgp"))
        for key in (folder / "private-keys-v1.d").iterdir():
            key.unlink()
        assert "there is no private key for it here" in refusal("a.yaml", data, allows("pgp")).message
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)


def test_what_a_service_says_goes_no_further(home: Path, service: Vault) -> None:
    data = encrypt(home, "a.yaml", "--hc-vault-transit", service.key)
    service.refuses = "canary-of-the-service: permission denied"
    error = refusal("a.yaml", data, allows(service.address))
    assert error.message == "could not be decrypted by sops: it asked for hc_vault: it refuses"
    assert "sops --decrypt" in error.help


def test_a_service_that_is_not_there(home: Path, service: Vault) -> None:
    data = encrypt(home, "a.yaml", "--hc-vault-transit", service.key).replace(
        service.address.encode(), b"http://127.0.0.1:1"
    )
    error = refusal("a.yaml", data, allows("http://127.0.0.1:1"))
    assert error.message == "could not be decrypted by sops: it asked for hc_vault: it cannot be reached"


def test_without_the_program(home: Path, service: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encrypt(home, "a.yaml", "--hc-vault-transit", service.key)
    keys = make_keys(home)
    other = encrypt(home, "a.yaml", "--age", keys.recipient)
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    error = refusal("a.yaml", data, allows(service.address))
    assert (error.message, error.help) == ("is encrypted with hc_vault, which takes the sops program", "install sops")
    error = refusal("a.yaml", other, allows())
    assert (error.message, error.help) == ("is encrypted with sops, which takes the sops program", "install sops")


def test_a_rule_over_comments_is_for_an_operators_own_files(home: Path) -> None:
    keys = make_keys(home)
    text = "# secret\na: geheim\nb: open\n"
    data = encrypt(home, "a.yaml", "--age", keys.recipient, "--encrypted-comment-regex", "^ secret$", text=text)
    assert b"a: geheim" in opened("a.yaml", data, EVERYTHING)
    error = refusal("a.yaml", data, allows())
    assert "encrypted_comment_regex" in error.message
    assert [one.message for one in find_refusals("sops-yaml", data, allows())] == [error.message]


def test_the_program_gets_what_its_keys_take_and_no_more() -> None:
    whole = {
        "PATH": "/bin", "HOME": "/h", "VAULT_TOKEN": "v", "AWS_SECRET_ACCESS_KEY": "a", "AZURE_CLIENT_SECRET": "z",
        "GOOGLE_APPLICATION_CREDENTIALS": "g", "HTTPS_PROXY": "p", "SOPS_KEYSERVICE": "k", "DOCKER_CONFIG": "d", "LD_PRELOAD": "l",
    }  # fmt: skip
    given = environment(["hc_vault"], ["https://vault.example"], Allowed(), whole)
    assert given == {
        "PATH": "/bin", "HOME": "/h", "VAULT_TOKEN": "v", "HTTPS_PROXY": "p", "LC_ALL": "C.UTF-8",
        "SOPS_HC_VAULT_ALLOWLIST": "https://vault.example",
    }  # fmt: skip
    assert environment(["pgp"], [], Allowed(), whole) == {
        "PATH": "/bin", "HOME": "/h", "LC_ALL": "C.UTF-8", "SOPS_HC_VAULT_ALLOWLIST": "none",
    }  # fmt: skip
    assert environment(["kms"], [], EVERYTHING, whole) == whole


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("dial tcp 192.0.2.1:8200: i/o timeout", "it cannot be reached"),
        ("gpg: decryption failed: No secret key", "there is no private key for it here"),
        (
            "NoCredentialProviders: no valid providers in chain",
            "there are no credentials for it here, or it does not take them",
        ),
        ("Code: 403. Errors: * permission denied", "it refuses"),
        ("canary", "it failed"),
        ("", "it failed"),
    ],
)
def test_reasons_are_a_closed_list(said: str, told: str) -> None:
    assert reason(f"{said} canary-of-a-file", ["kms"]) == f"it asked for kms: {told}"


@pytest.mark.parametrize(
    ("section", "needs"),
    [
        ({"kms": [{"arn": "arn:aws:kms:eu-west-1:1:key/a", "aws_profile": "", "enc": "x"}]}, ["arn:aws:kms:eu-west-1:1:key/a"]),
        ({"kms": [{"arn": "arn:aws:kms:evil.example/:1:key/a\n", "enc": "x"}]}, [""]),
        (
            {"kms": [{"arn": "arn:aws:kms:eu-west-1:1:key/a", "role": "arn:aws:iam::2:role/r", "aws_profile": "prod", "enc": "x"}]},
            ["arn:aws:kms:eu-west-1:1:key/a", "arn:aws:iam::2:role/r", "aws-profile:prod"],
        ),
        ({"gcp_kms": [{"resource_id": "projects/p/locations/l/keyRings/r/cryptoKeys/k", "enc": "x"}]},
         ["projects/p/locations/l/keyRings/r/cryptoKeys/k"]),
        ({"azure_kv": [{"vault_url": "https://v.vault.azure.net", "name": "k", "version": "1a", "enc": "x"}]},
         ["https://v.vault.azure.net/keys/k"]),
        ({"azure_kv": [{"vault_url": "https://v.vault.azure.net", "name": "k", "version": "../1", "enc": "x"}]}, [""]),
        ({"hckms": [{"key_id": "tr-west-1:9f7b", "enc": "x"}]}, ["tr-west-1:9f7b"]),
        ({"hckms": [{"key_id": "evil.example/:9f7b", "enc": "x"}]}, [""]),
    ],
)  # fmt: skip
def test_every_kind_of_key_needs_what_it_would_ask(section: dict[str, object], needs: list[str]) -> None:
    mac = "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]"
    data = json.dumps({"a": mac, "sops": {**section, "mac": mac, "lastmodified": "2026-01-01T00:00:00Z"}}).encode()
    for number in range(len(needs)):
        (found,) = find_refusals("sops-json", data, allows(*filter(None, needs[:number])))
        assert found.help.endswith(f"deployer.allow {needs[number]}" if needs[number] else "encrypt it anew with sops")
    if needs != [""]:
        assert find_refusals("sops-json", data, allows(*needs)) == []


def test_keys_of_age_are_nobodys_business(keys: Keys) -> None:
    assert find_refusals("sops-yaml", keys.encrypt("a.yaml", "a: 1\n"), allows()) == []
