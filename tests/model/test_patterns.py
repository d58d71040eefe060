"""Names from files end up in argv, host names and paths: the patterns let nothing else pass."""

import re
from typing import Any

import msgspec
import pytest

from deployer.model.cluster import NodeFile
from deployer.model.patterns import (
    ADDRESS_PATTERN,
    IMAGE_PATTERN,
    INTERFACE_PATTERN,
    NAME_PATTERN,
    USER_PATTERN,
)
from deployer.model.stack import STACK_PATTERN, WAIT_PATTERN, StackSettings

GOOD: dict[str, list[str]] = {
    NAME_PATTERN: ["a", "slave2", "web-1", "x" * 63],
    STACK_PATTERN: ["a", "web_api", "web-1", "x" * 63],
    ADDRESS_PATTERN: ["203.0.113.10", "2001:db8::1", "host.example.org", "local", "a_b"],
    USER_PATTERN: ["root", "_apt", "j.doe", "deploy-1"],
    IMAGE_PATTERN: ["redis", "hashicorp/consul:1.20", "registry:5000/a/b@sha256:" + "0" * 64],
    INTERFACE_PATTERN: ["eth0", "enp3s0.100", "eth0:1", "10.0.0.1", "veth@if2"],
    WAIT_PATTERN: ["1s", "180s", "5m", "99999s"],
}
BAD: dict[str, list[str]] = {
    NAME_PATTERN: ["A", "-a", "a-", "a_b", "a.b", "ä", "x" * 64],
    STACK_PATTERN: ["A", "-a", "_a", "a-", "a.b", "x" * 64],
    ADDRESS_PATTERN: ["-oProxyCommand=id", "user@host", "a.", ":1", "host:", "a/b"],
    USER_PATTERN: ["-l", "Root", "1a", "a@b", "x" * 33],
    IMAGE_PATTERN: ["-v/:/x", "/a", ":x", "x" * 256],
    INTERFACE_PATTERN: ["-a", "@a", "x" * 65],
    WAIT_PATTERN: ["0s", "5", "5h", "-5s", "1.5m", "100000s"],
}
EVERYWHERE_BAD = ["", " ", "a b", "a\n", "\na", "a\nb", "a\0", "$(id)", "a;id", "a`id`", "--", "a'", 'a"', "a\x85"]


@pytest.mark.parametrize("pattern", GOOD)
def test_patterns(pattern: str) -> None:
    """`re.search`, as msgspec does, without a word on where it has to match."""
    assert [text for text in GOOD[pattern] if not re.search(pattern, text)] == []
    assert [text for text in [*BAD[pattern], *EVERYWHERE_BAD] if re.search(pattern, text)] == []


@pytest.mark.parametrize(
    "file",
    [
        {"address": "host\n"},
        {"address": "-oProxyCommand=id"},
        {"address": "a", "advertise": "eth0\n"},
        {"address": "a", "ssh": {"user": "root\n"}},
        {"address": "a", "ssh": {"user": "-l"}},
        {"address": "a", "swarm": "leader"},
        {"address": "a", "labels": {"a": 1}},
        {"address": "a", "nope": 1},
    ],
)
def test_a_machines_file_is_refused(file: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(file, NodeFile)


@pytest.mark.parametrize(("wait", "seconds"), [("1s", 1.0), ("180s", 180.0), ("5m", 300.0)])
def test_wait(wait: str, seconds: float) -> None:
    assert msgspec.convert({"wait": wait}, StackSettings).wait_seconds == seconds


@pytest.mark.parametrize("wait", ["10s\n", "s", "m"])
def test_no_wait(wait: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"wait": wait}, StackSettings)
