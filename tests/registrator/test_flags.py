from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.errors import DeployerError
from deployer.registrator.address import Uri
from deployer.registrator.flags import HelpAsked, VersionAsked, WrongUsageError, read_flags, usage
from tests.registrator.boxes import URI, options


def test_the_defaults() -> None:
    made = options()
    assert (made.ip, made.internal, made.explicit, made.useIpFromLabel, made.tags.text) == ("", False, False, "", "")
    assert (made.ttl, made.ttl_refresh, made.resync, made.deregister, made.cleanup) == (0, 0, 0, "always", False)
    assert (made.retry_attempts, made.retry_interval) == (None, 2000)
    assert made.uri == Uri("consul", "localhost", 8500)


@pytest.mark.parametrize(
    "words", [("-ip=1.2.3.4",), ("-ip", "1.2.3.4"), ("--ip", "1.2.3.4"), ("--ip=1.2.3.4",), ("-ip=9", "-ip=1.2.3.4")]
)
def test_one_dash_or_two_with_or_without_an_equals_sign(words: tuple[str, ...]) -> None:
    assert options(*words).ip == "1.2.3.4"


@pytest.mark.parametrize(
    ("word", "value"), [("-cleanup", True), ("-cleanup=false", False), ("-cleanup=F", False), ("--cleanup=1", True)]
)
def test_booleans(word: str, *, value: bool) -> None:
    assert options(word).cleanup is value


@pytest.mark.parametrize(
    ("text", "value"), [("60", 60), ("-1", -1), ("0x10", 16), ("010", 8), ("1_000", 1000), ("+5", 5), ("0b11", 3)]
)
def test_numbers_are_read_as_go_reads_them(text: str, value: int) -> None:
    assert options(f"-resync={text}").resync == value


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ((), "Missing required argument for registry URI."),
        (("-cleanup",), "Missing required argument for registry URI."),
        (("-nope", URI), "flag provided but not defined: -nope"),
        (("-cleanup=maybe", URI), 'invalid boolean value "maybe" for -cleanup: parse error'),
        (("-ttl=ten", URI), 'invalid value "ten" for flag -ttl: parse error'),
        (("-ttl= 1", URI), 'invalid value " 1" for flag -ttl: parse error'),
        (("-ttl=9223372036854775808", URI), 'invalid value "9223372036854775808" for flag -ttl: value out of range'),
        (("-ip",), "flag needs an argument: -ip"),
        (("---ip", URI), "bad flag syntax: ---ip"),
        (("-=x", URI), "bad flag syntax: -=x"),
        (
            (URI, "-ip", "1"),
            "Extra unparsed arguments:\n  -ip 1\nOptions should come before the registry URI argument.",
        ),
        (
            ("-cleanup", "false", URI),
            f"Extra unparsed arguments:\n  {URI}\nOptions should come before the registry URI argument.",
        ),
    ],
)
def test_wrong_usage_is_said_in_gos_words_and_ends_with_two(argv: tuple[str, ...], message: str) -> None:
    with pytest.raises(WrongUsageError) as caught:
        read_flags(argv)
    assert caught.value.message == message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("-ttl=10", URI), "-ttl and -ttl-refresh must be specified together or not at all"),
        (("-ttl-refresh=10", URI), "-ttl and -ttl-refresh must be specified together or not at all"),
        (("-ttl=10", "-ttl-refresh=10", URI), "-ttl must be greater than -ttl-refresh"),
        (("-retry-interval=0", URI), "-retry-interval must be greater than 0"),
        (("-deregister=sometimes", URI), '-deregister must be "always", "on-success" or "never"'),
        (("-health=yes", URI), '-health must be "check", "register" or "ignore"'),
        (("etcd://h",), "the etcd backend is not supported"),
        (("http://h:8500",), "unrecognized adapter: http://h:8500"),
        (("consul://h:port",), "bad adapter uri: consul://h:port"),
        (("consul-tls://",), "bad adapter uri: consul-tls://"),
        (("consul-unix://",), "bad adapter uri: consul-unix://"),
        (("consul://:token@h",), "bad adapter uri: consul://...: it is more than an address"),
        (("-tags={{range .X}}{{end}}", URI), "-tags: range is not supported"),
    ],
)
def test_values_that_make_no_sense_end_with_one(argv: tuple[str, ...], message: str) -> None:
    with pytest.raises(DeployerError) as caught:
        read_flags(argv)
    assert caught.value.message == message
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("consul://h", Uri("consul", "h", 8500)),
        ("consul://h:81", Uri("consul", "h", 81)),
        ("consul://[fd00::1]:81", Uri("consul", "fd00::1", 81)),
        ("consul:", Uri("consul")),
        ("consul-tls://h:8501", Uri("consul-tls", "h", 8501)),
        ("consul-unix:///run/consul.sock", Uri("consul-unix", socket="/run/consul.sock")),
    ],
)
def test_uris(text: str, uri: Uri) -> None:
    assert read_flags((text,)).uri == uri


def test_ttl_and_refresh_together_are_taken() -> None:
    made = options("-ttl", "30", "-ttl-refresh", "15")
    assert (made.ttl, made.ttl_refresh) == (30, 15)


def test_help_and_version() -> None:
    for word in ("-h", "--help"):
        with pytest.raises(HelpAsked):
            read_flags((word,))
    with pytest.raises(VersionAsked):
        read_flags(("--version",))
    with pytest.raises(WrongUsageError, match="not defined: -version"):
        read_flags(("--version", URI))


def test_the_usage_names_every_flag_in_order() -> None:
    lines = usage("registrator").splitlines()
    names = [line.split()[0] for line in lines if line.startswith("  -")]
    assert names == sorted(names)
    assert {
        "-ip",
        "-internal",
        "-tags",
        "-useIpFromLabel",
        "-ttl",
        "-ttl-refresh",
        "-resync",
        "-cleanup",
        "-deregister",
    } <= {*names}
    assert lines[:2] == ["Usage of registrator:", "  registrator [options] <registry URI>"]


@given(
    st.lists(
        st.sampled_from(["-ip", "-internal", "--", "-", "consul://h", "=", "-ttl=1", "-resync", "7", "-tags={{", "-x"])
    )
)
def test_whatever_stands_there_is_read_or_refused(words: list[str]) -> None:
    with contextlib.suppress(DeployerError):
        assert read_flags(tuple(words)).uri.host == "h"
