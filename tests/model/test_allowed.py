"""What `deployer.allow` lists in, what other people's files may name out."""

from __future__ import annotations

import pytest

from deployer.model.allowed import EVERYTHING, Allowed, full_path, read_allowed
from deployer.model.here import Here

HERE = Here(frozenset({"deploy01"}), ("192.0.2.7/32",))
KEY = "arn:aws:kms:eu-west-1:123456789012:key/6e4a1d9c-0000-4000-8000-000000000001"
GCP = "projects/p/locations/global/keyRings/r/cryptoKeys/k"
HUAWEI = "tr-west-1:9f7b-1"


def allowed(*entries: str) -> Allowed:
    found, wrong = read_allowed(entries, Allowed(here=HERE, home="/home/ann"))
    assert wrong == ()
    return found


def test_nothing_is_allowed_by_default() -> None:
    nothing = allowed()
    assert not nothing.may_reach("local")
    assert not nothing.may_reach("deploy01")
    assert nothing.may_reach("192.0.2.8")
    assert not nothing.may_read("/etc/shadow")
    assert not nothing.may_ask("pgp")
    assert not nothing.may_set("group")
    assert not nothing.may_give_sudo_password


def test_an_operators_own_run_may_name_everything() -> None:
    assert EVERYTHING.may_reach("local")
    assert EVERYTHING.may_read("relative")
    assert EVERYTHING.may_ask("https://anything.example")
    assert EVERYTHING.may_set("group")
    assert EVERYTHING.may_give_sudo_password


def test_local_is_this_machine_by_every_name() -> None:
    assert all(map(allowed("local").may_reach, ("local", "deploy01", "127.1", "192.0.2.7")))


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("/srv/keys/token", True), ("~/.ssh/id", True), ("/home/ann/.ssh/id", True),
        ("/srv/keys/../keys/token", False), ("//srv/keys/token", False), ("/srv/keys/token/", False), ("/srv/keys", False),
        ("srv/keys/token", False), ("./token", False), ("~ann/.ssh/id", False), ("~/.ssh/id2", False), ("/srv/keys/token\n", False),
    ],
)  # fmt: skip
def test_files_are_allowed_by_their_full_path_alone(name: str, may: bool) -> None:  # noqa: FBT001 - a column of the table
    assert allowed("/srv/keys/token", "~/.ssh/id").may_read(name) == may


def test_without_a_home_directory_nothing_is_in_it() -> None:
    assert full_path("~/x", "") == ""
    assert not Allowed(files=frozenset({""})).may_read("~/x")


@pytest.mark.parametrize(
    ("entry", "need", "may"),
    [
        ("https://vault.example:8200", "https://vault.example:8200/v1/transit/keys/one", True),
        ("https://vault.example:8200/", "https://VAULT.example:8200/v1/transit/keys/one", True),
        ("https://vault.example:8200/v1/transit/keys/one", "https://vault.example:8200/v1/transit/keys/one", True),
        ("https://vault.example:8200/v1/transit/keys/one", "https://vault.example:8200/v1/transit/keys/one2", False),
        ("https://vault.example:8200/v1/tra", "https://vault.example:8200/v1/transit/keys/one", False),
        ("https://vault.example", "https://vault.example:443/v1/transit/keys/one", True),
        ("https://vault.example", "https://vault.example:8200/v1/transit/keys/one", False),
        ("https://vault.example", "http://vault.example:443/v1/transit/keys/one", False),
        ("https://vault.example", "https://vault.example.evil.org/v1/transit/keys/one", False),
        ("https://vault.example", "https://vault.example@evil.org/v1/transit/keys/one", False),
        ("https://vault.example", "https://evil.org/#https://vault.example", False),
        ("https://vault.example", "https://vault.example/../../v1/sys/seal", False),
        ("http://[2001:db8::1]:8200", "http://[2001:DB8::1]:8200/v1/transit/keys/one", True),
        (KEY, KEY, True),
        (KEY, KEY + "0", False),
        (KEY, KEY.replace("eu-west-1", "evil.example/"), False),
        (GCP, GCP, True),
        (GCP, GCP + "/x", False),
        (HUAWEI, HUAWEI, True),
        ("pgp", "pgp", True),
        ("aws-profile:prod", "aws-profile:prod", True),
        ("aws-profile:prod", "aws-profile:other", False),
    ],
)
def test_key_services(entry: str, need: str, may: bool) -> None:  # noqa: FBT001 - a column of the table
    assert allowed(entry).may_ask(need) == may


def test_registries() -> None:
    some = allowed("registry:r.example:5000", "registry:docker.io")
    assert some.may_log_in("r.example:5000")
    assert some.may_log_in("docker.io")
    assert not some.may_log_in("r.example")
    assert not allowed("local").may_log_in("docker.io")
    assert EVERYTHING.may_log_in("docker.io")


def test_keys_of_the_engine_and_the_password() -> None:
    some = allowed("engine.daemon.group", "sudo-password")
    assert some.may_set("group")
    assert not some.may_set("authorization-plugins")
    assert some.may_give_sudo_password


@pytest.mark.parametrize(
    "entry",
    [
        "", "locl", "keys/token", "~ann/x", "https://", "https://u:p@vault.example", "https://vault.example/../x", "ftp://x",
        "https://vault.example?x=1", "vault.example:8200", "arn:", "arn:aws kms", "*", "everything", "engine.daemon.", "/a\nb", "pgp:",
        "local:x", "aws-profile:", "registry:", "registry:r.example/app", "registry:*",
    ],
)  # fmt: skip
def test_what_is_no_entry_is_said_and_allows_nothing(entry: str) -> None:
    found, wrong = read_allowed(("local", entry), Allowed(home="/home/ann"))
    assert wrong == (entry,)
    assert found == Allowed(local=True, home="/home/ann")


def test_advice_is_a_line_that_a_shell_takes_as_it_is() -> None:
    assert (
        allowed().advice("local").endswith("in the repository that is pushed to: git config --add deployer.allow local")
    )
    assert allowed().advice("/a b$(id)").endswith("git config --add deployer.allow '/a b$(id)'")
