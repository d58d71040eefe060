"""The rules of registrator, one row each, with the section of the specification that a row is from.

Where versions of the old program differ (v6, v7, and its last commit 6bfadbc, "HEAD"), the row says so and HEAD is followed; where
HEAD is wrong, the row says what is right. The start and the end of the program (1), and what a lost connection does (5), need processes:
tests/e2e/test_registrator.py has them.
"""

from __future__ import annotations

from typing import Any

import pytest

from deployer.registrator.container import read_container
from deployer.registrator.diff import Deregister, Registered, dangling
from deployer.registrator.events import Look, Withdraw, decide, stays, stops
from tests.registrator.boxes import HOST, ID, box, found, one, options


def row(section: str, rule: str, *values: Any) -> Any:
    return pytest.param(*values, id=f"{section} {rule}")


P80 = {"80/tcp": "8080"}
TWO = {"80/tcp": "8080", "443/tcp": "8443"}


@pytest.mark.parametrize(
    ("told", "argv", "expected"),
    [
        # --- 2: what is registered -----------------------------------------------------------------------------------
        row("2.1", "published ports", box(P80), (), [("slave:web:80", "nginx", "203.0.113.11", 8080)]),
        row("2.1", "no ports: nothing", box(), (), []),
        row("2.1", "host networking: exposed ports, on the same number (HEAD; v6 and v7 wanted -p)",
            box(exposed=("80/tcp",), mode="host"), (), [("slave:web:80", "nginx", "203.0.113.11", 80)]),
        row("2.2", "not published: dropped", box({"80/tcp": None}), (), []),
        row("2.2", "not published: kept with -internal", box({"80/tcp": None}), ("-internal",),
            [("slave:web:80", "nginx", "172.17.0.2", 80)]),
        row("2.3", "every binding, the first with the old id (HEAD: only the first)",
            box({"80/tcp": ["10.0.0.1:8080", "10.0.0.2:8081"]}), (),
            [("slave:web:80", "nginx", "10.0.0.1", 8080), ("slave:web:80:10.0.0.2-8081", "nginx", "10.0.0.2", 8081)]),
        row("2.3", "IPv4 and IPv6 wildcard of one port are one place", box({"80/tcp": ["0.0.0.0:8080", ":::8080"]}), (),
            [("slave:web:80", "nginx", "203.0.113.11", 8080)]),
        row("2.3", "an IPv6 binding of its own", box({"80/tcp": ["fd00::1:8080"]}), (),
            [("slave:web:80", "nginx", "fd00::1", 8080)]),
        row("2.4", "a group is more than one port that is left (HEAD; v6 and v7 counted all exposed)",
            box({"80/tcp": "8080", "443/tcp": None}), (), [("slave:web:80", "nginx", "203.0.113.11", 8080)]),
        row("2.4", "two ports are left: a group", box(TWO), (),
            [("slave:web:80", "nginx-80", "203.0.113.11", 8080), ("slave:web:443", "nginx-443", "203.0.113.11", 8443)]),
        row("2.5", "SERVICE_IGNORE", box(P80, {"SERVICE_IGNORE": "1"}), (), []),
        row("2.5", "any text ignores", box(P80, {"SERVICE_IGNORE": "false"}), (), []),
        row("2.5", "an empty one does not", box(P80, {"SERVICE_IGNORE": ""}), (), [("slave:web:80", "nginx", "203.0.113.11", 8080)]),
        row("2.5", "SERVICE_<port>_IGNORE, and the other is still of a group", box(TWO, {"SERVICE_443_IGNORE": "yes"}), (),
            [("slave:web:80", "nginx-80", "203.0.113.11", 8080)]),
        row("1", "-explicit without a name", box(P80), ("-explicit",), []),
        row("1", "-explicit with SERVICE_NAME", box(P80, {"SERVICE_NAME": "a"}), ("-explicit",), [("slave:web:80", "a", "203.0.113.11", 8080)]),
        row("1", "-explicit with SERVICE_x_NAME: that port alone", box(TWO, {"SERVICE_80_NAME": "a"}), ("-explicit",),
            [("slave:web:80", "a", "203.0.113.11", 8080)]),
        # --- 2: IP ---------------------------------------------------------------------------------------------------
        row("2 IP", "the binding's own address", box({"80/tcp": ["127.0.0.1:8080"]}), (), [("slave:web:80", "nginx", "127.0.0.1", 8080)]),
        row("2 IP", "-ip beats the binding", box({"80/tcp": ["127.0.0.1:8080"]}), ("-ip", "198.51.100.7"), [("slave:web:80", "nginx", "198.51.100.7", 8080)]),
        row("2 IP", "-ip does not touch -internal", box(P80), ("-ip=198.51.100.7", "-internal"), [("slave:web:80", "nginx", "172.17.0.2", 80)]),
        row("2 IP", "useIpFromLabel beats -ip, up to the last slash", box(P80, labels={"ip": "198.51.100.9/24"}),
            ("-ip=198.51.100.7", "-useIpFromLabel=ip"), [("slave:web:80", "nginx", "198.51.100.9", 8080)]),
        row("2 IP", "useIpFromLabel, an IPv6 address", box(P80, labels={"ip": "fd00::9/64"}), ("-useIpFromLabel=ip",), [("slave:web:80", "nginx", "fd00::9", 8080)]),
        row("ours", "useIpFromLabel, no address (HEAD: registered as it is)", box(P80, labels={"ip": "a/b/24"}), ("-useIpFromLabel=ip",), []),
        row("2 IP", "useIpFromLabel without that label", box(P80), ("-useIpFromLabel=ip",), [("slave:web:80", "nginx", "203.0.113.11", 8080)]),
        row("2 IP", "a user-defined network: the host's address with the host's port (HEAD: the container's with it, #337)",
            box(P80, mode="front", networks={"front": "10.1.0.2"}), (), [("slave:web:80", "nginx", "203.0.113.11", 8080)]),
        row("2 IP", "-internal on several networks: the first by name (HEAD: any)",
            box(P80, mode="z", networks={"z": "10.2.0.2", "a": "10.1.0.2"}), ("-internal",), [("slave:web:80", "nginx", "10.1.0.2", 80)]),
        row("ours", "SERVICE_NETWORK chooses", box(P80, {"SERVICE_NETWORK": "z"}, mode="z", networks={"z": "10.2.0.2", "a": "10.1.0.2"}),
            ("-internal",), [("slave:web:80", "nginx", "10.2.0.2", 80)]),
        row("ours", "SERVICE_NETWORK beats -network", box(P80, labels={"SERVICE_NETWORK": "z"}, networks={"z": "10.2.0.2", "a": "10.1.0.2"}),
            ("-internal", "-network=a"), [("slave:web:80", "nginx", "10.2.0.2", 80)]),
        row("ours", "-network, where the container is on it", box(P80, networks={"z": "10.2.0.2", "a": "10.1.0.2"}),
            ("-internal", "-network=z"), [("slave:web:80", "nginx", "10.2.0.2", 80)]),
        row("ours", "-network, where it is not", box(P80, networks={"a": "10.1.0.2"}), ("-internal", "-network=z"), [("slave:web:80", "nginx", "10.1.0.2", 80)]),
        row("ours", "a network that SERVICE_NETWORK names and it is not on: nothing", box(P80, {"SERVICE_NETWORK": "no"}), ("-internal",), []),
        row("ours", "an IPv6 network", box(P80, networks={"six": {"IPAddress": "", "GlobalIPv6Address": "fd00::2"}}), ("-internal",),
            [("slave:web:80", "nginx", "fd00::2", 80)]),
        # --- 3: names and ids ----------------------------------------------------------------------------------------
        row("3", "the image's last part without its tag", box(P80, image="reg.example:5000/a/b:1.2"), (), [("slave:web:80", "b", "203.0.113.11", 8080)]),
        row("3", "SERVICE_NAME", box(P80, {"SERVICE_NAME": "shop"}), (), [("slave:web:80", "shop", "203.0.113.11", 8080)]),
        row("3", "SERVICE_x_NAME beats SERVICE_NAME, whichever comes first", box(P80, {"SERVICE_80_NAME": "a", "SERVICE_NAME": "b"}), (),
            [("slave:web:80", "a", "203.0.113.11", 8080)]),
        row("3", "a group: SERVICE_NAME gets the exposed port (v7, HEAD; v6 did not)", box(TWO, {"SERVICE_NAME": "s", "SERVICE_443_NAME": "tls"}), (),
            [("slave:web:80", "s-80", "203.0.113.11", 8080), ("slave:web:443", "tls", "203.0.113.11", 8443)]),
        row("3", "an empty SERVICE_NAME is none", box(P80, {"SERVICE_NAME": ""}), (), [("slave:web:80", "nginx", "203.0.113.11", 8080)]),
        row("3", "udp in the id", box({"53/udp": "5353"}), (), [("slave:web:53:udp", "nginx", "203.0.113.11", 5353)]),
        row("3", "SERVICE_ID", box(P80, {"SERVICE_ID": "mine"}), (), [("mine", "nginx", "203.0.113.11", 8080)]),
        row("3", "SERVICE_x_ID", box(TWO, {"SERVICE_80_ID": "mine"}), (),
            [("mine", "nginx-80", "203.0.113.11", 8080), ("slave:web:443", "nginx-443", "203.0.113.11", 8443)]),
        row("3", "one SERVICE_ID for two ports: the first (HEAD: the last written)", box(TWO, {"SERVICE_ID": "mine"}), (),
            [("mine", "nginx-80", "203.0.113.11", 8080)]),
        row("3", "labels beat the environment", box(P80, {"SERVICE_NAME": "env"}, {"SERVICE_NAME": "label"}), (), [("slave:web:80", "label", "203.0.113.11", 8080)]),
        row("3", "the environment's per-port key beats a portless label", box(P80, {"SERVICE_80_NAME": "env"}, {"SERVICE_NAME": "label"}), (),
            [("slave:web:80", "env", "203.0.113.11", 8080)]),
        row("3", "the prefix is upper-case", box(P80, {"service_name": "x", "Service_NAME": "y"}), (), [("slave:web:80", "nginx", "203.0.113.11", 8080)]),
        row("3", "the rest is not", box(P80, {"SERVICE_Name": "x"}), (), [("slave:web:80", "x", "203.0.113.11", 8080)]),
        row("3", "a per-port key is of the exposed port, not the published", box(P80, {"SERVICE_8080_NAME": "x"}), (), [("slave:web:80", "nginx", "203.0.113.11", 8080)]),
    ],
)  # fmt: skip
def test_what_is_registered(
    told: dict[str, Any], argv: tuple[str, ...], expected: list[tuple[str, str, str, int]]
) -> None:
    assert [(made.id, made.name, made.address, made.port) for made in found(told, *argv).services] == expected


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        row("2 IP", "container:X has X's address", box(networks={"bridge": "172.17.0.9"}), "172.17.0.9"),
        row(
            "2 IP",
            "X on a network of its own (HEAD: no address)",
            box(mode="front", networks={"front": "10.1.0.9"}),
            "10.1.0.9",
        ),
        row("2 IP", "X on the host's network", box(mode="host", networks={"host": ""}), HOST.address),
    ],
)
def test_the_network_of_another_container(peer: dict[str, Any], address: str) -> None:
    made = one(box(exposed=("80/tcp",), mode=f"container:{ID}", networks={}), "-ip=198.51.100.7", peer=peer)
    assert (made.address, made.port) == (address, 80)


@pytest.mark.parametrize(
    ("env", "argv", "ports", "expected"),
    [
        row("3", "tags: the last one first", {"SERVICE_TAGS": "a,b,c"}, (), P80, ("c", "b", "a")),
        row("3", "tags: an escaped comma", {"SERVICE_TAGS": r"a\,b,c"}, (), P80, ("c", "a,b")),
        row("3", "tags: empty ones are left out", {"SERVICE_TAGS": ",a,,b,"}, (), P80, ("b", "a")),
        row(
            "3",
            "tags: then -tags, then udp",
            {"SERVICE_TAGS": "a,b"},
            ("-tags=x,y",),
            {"53/udp": "53"},
            ("b", "a", "y", "x", "udp"),
        ),
        row("3", "tags: of the port alone", {"SERVICE_TAGS": "a", "SERVICE_80_TAGS": "b"}, (), P80, ("b",)),
        row(
            "1",
            "-tags is a template",
            {},
            ("-tags={{.Config.Image}},{{strSlice .ID 0 4}}",),
            P80,
            ("0123", "library/nginx:1.27"),
        ),
    ],
)
def test_tags(env: dict[str, str], argv: tuple[str, ...], ports: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert one(box(ports, env), *argv).tags == expected


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        row("3", "other keys are attributes, lower-case, sent as Meta", {"SERVICE_REGION": "EU West"}, {"region": "EU West"}),
        row("3", "SERVICE_80 alone is an attribute named 80", {"SERVICE_80": "x"}, {"80": "x"}),
        row("3", "the port's own beats the portless one", {"SERVICE_80_REGION": "a", "SERVICE_REGION": "b"}, {"region": "a"}),
        row("3", "another port's is not ours", {"SERVICE_443_REGION": "a"}, {}),
        row("3", "id, name, tags are no attributes", {"SERVICE_ID": "i", "SERVICE_NAME": "n", "SERVICE_TAGS": "t"}, {}),
        row("3", "check_* is never in Meta (HEAD: it is)", {"SERVICE_CHECK_HTTP": "/", "SERVICE_80_CHECK_INTERVAL": "5s"}, {}),
        row("ours", "what Consul would refuse is left out", {"SERVICE_A.B": "x", "SERVICE_LONG": "x" * 513, "SERVICE_OK": "y"}, {"ok": "y"}),
    ],
)  # fmt: skip
def test_attributes(env: dict[str, str], expected: dict[str, str]) -> None:
    meta = one(box(P80, env)).meta
    assert {key: value for key, value in meta.items() if not key.startswith("registrator-")} == expected


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        row("4", "none", {}, None),
        row("4", "HTTP", {"CHECK_HTTP": "/health"}, {"HTTP": "http://203.0.113.11:8080/health", "Interval": "10s"}),
        row("4", "HTTP_METHOD", {"CHECK_HTTP": "/", "CHECK_HTTP_METHOD": "HEAD"}, {"HTTP": "http://203.0.113.11:8080/", "Method": "HEAD", "Interval": "10s"}),
        row("4", "HTTPS, never TLSSkipVerify", {"CHECK_HTTPS": "/", "CHECK_TLS_SKIP_VERIFY": "1"}, {"HTTP": "https://203.0.113.11:8080/", "Interval": "10s"}),
        row("4", "HTTPS_METHOD", {"CHECK_HTTPS": "/", "CHECK_HTTPS_METHOD": "options"}, {"HTTP": "https://203.0.113.11:8080/", "Method": "OPTIONS", "Interval": "10s"}),
        row("4", "CMD", {"CHECK_CMD": "/x y"}, {"Args": ["check-cmd", "0123456789ab", "80", "/x y"], "Interval": "10s"}),
        row("4", "SCRIPT, by a shell (HEAD: one word, #687; v7: Script, #637)", {"CHECK_SCRIPT": "nc $SERVICE_IP $SERVICE_PORT | grep x"},
            {"Args": ["sh", "-c", "nc 203.0.113.11 8080 | grep x"], "Interval": "10s"}),
        row("4", "TTL has no interval", {"CHECK_TTL": "30s", "CHECK_INTERVAL": "1s"}, {"TTL": "30s"}),
        row("4", "TCP, any text", {"CHECK_TCP": "true"}, {"TCP": "203.0.113.11:8080", "Interval": "10s"}),
        row("4", "GRPC", {"CHECK_GRPC": "true"}, {"GRPC": "203.0.113.11:8080", "Interval": "10s"}),
        row("4", "GRPC_USE_TLS, TLS_SKIP_VERIFY", {"CHECK_GRPC": "1", "CHECK_GRPC_USE_TLS": "1", "CHECK_TLS_SKIP_VERIFY": "1"},
            {"GRPC": "203.0.113.11:8080", "Interval": "10s", "GRPCUseTLS": True, "TLSSkipVerify": True}),
        row("4", "TLS_SKIP_VERIFY without GRPC_USE_TLS", {"CHECK_GRPC": "1", "CHECK_TLS_SKIP_VERIFY": "1"}, {"GRPC": "203.0.113.11:8080", "Interval": "10s"}),
        row("4", "INTERVAL, TIMEOUT", {"CHECK_TCP": "1", "CHECK_INTERVAL": "15s", "CHECK_TIMEOUT": "1m30s"}, {"TCP": "203.0.113.11:8080", "Interval": "15s", "Timeout": "1m30s"}),
        row("4", "INITIAL_STATUS", {"CHECK_TCP": "1", "CHECK_INITIAL_STATUS": "passing"}, {"TCP": "203.0.113.11:8080", "Interval": "10s", "Status": "passing"}),
        row("4", "DEREGISTER_AFTER", {"CHECK_TTL": "30s", "CHECK_DEREGISTER_AFTER": "10m"}, {"TTL": "30s", "DeregisterCriticalServiceAfter": "10m"}),
        row("4", "the first of http, https, cmd, script, ttl, tcp, grpc", {"CHECK_GRPC": "1", "CHECK_TCP": "1", "CHECK_TTL": "1s", "CHECK_SCRIPT": "x"},
            {"Args": ["sh", "-c", "x"], "Interval": "10s"}),
        row("4", "an empty one is none", {"CHECK_HTTP": "", "CHECK_TCP": "1"}, {"TCP": "203.0.113.11:8080", "Interval": "10s"}),
        row("4", "of the port alone", {"80_CHECK_TCP": "1"}, {"TCP": "203.0.113.11:8080", "Interval": "10s"}),
        row("4", "of another port", {"443_CHECK_TCP": "1"}, None),
    ],
)  # fmt: skip
def test_checks(env: dict[str, str], expected: dict[str, Any] | None) -> None:
    assert one(box(P80, {f"SERVICE_{key}": value for key, value in env.items()}), "-script-checks").check == expected


def event(action: str, kind: str = "container", **attributes: str) -> dict[str, Any]:
    return {"Type": kind, "Action": action, "Actor": {"ID": ID, "Attributes": attributes}}


LIVES = read_container(box(P80, config={"StopSignal": "SIGQUIT", "StopTimeout": 20}))


@pytest.mark.parametrize(
    ("told", "argv", "expected"),
    [
        row("5", "start", event("start"), (), Look(ID, anew=True)),
        row("5", "die", event("die", exitCode="1"), (), Withdraw(ID)),
        row("5", "die, on-success, code 0", event("die", exitCode="0"), ("-deregister=on-success",), Withdraw(ID)),
        row("5", "die, on-success, by a signal", event("die", exitCode="137"), ("-deregister=on-success",), Withdraw(ID)),
        row("5", "die, on-success, failed: stays", event("die", exitCode="3"), ("-deregister=on-success",), Look(ID, anew=True)),
        row("ours", "die, never: stays", event("die", exitCode="0"), ("-deregister=never",), Look(ID, anew=True)),
        row("ours", "kill with the stop signal: out before it stops", event("kill", signal="3"), (), Withdraw(ID, 25)),
        row("ours", "kill -9", event("kill", signal="9"), (), Withdraw(ID, 25)),
        row("5", "kill -s HUP is no stop (v6: it was)", event("kill", signal="1"), (), None),
        row("5", "kill with what is another's stop signal", event("kill", signal="15"), (), None),
        row("5", "kill, on-success: how it ends decides", event("kill", signal="3"), ("-deregister=on-success",), None),
        row("ours", "pause", event("pause"), (), Withdraw(ID)),
        row("ours", "unpause", event("unpause"), (), Look(ID)),
        row("ours", "health_status", event("health_status: unhealthy"), (), Look(ID)),
        row("ours", "rename", event("rename", oldName="/a"), (), Look(ID)),
        row("ours", "update", event("update"), (), Look(ID)),
        row("ours", "destroy", event("destroy"), (), Look(ID)),
        row("ours", "network connect", event("connect", "network", container=ID), (), Look(ID)),
        row("ours", "network disconnect", event("disconnect", "network", container=ID), (), Look(ID)),
        row("5", "stop comes after die", event("stop"), (), None),
        row("5", "exec", event("exec_start: sh"), (), None),
        row("5", "an event of an image", event("delete", "image"), (), None),
    ],
)  # fmt: skip
def test_events(told: dict[str, Any], argv: tuple[str, ...], expected: Any) -> None:
    assert decide(told, {ID: stops(LIVES)}, options(*argv)) == expected


@pytest.mark.parametrize(
    ("state", "argv", "expected"),
    [
        row("5", "ended, always", {"Running": False, "ExitCode": 3}, (), False),
        row("5", "ended well, on-success", {"Running": False, "ExitCode": 0}, ("-deregister=on-success",), False),
        row("5", "failed, on-success", {"Running": False, "ExitCode": 3}, ("-deregister=on-success",), True),
        row("5", "by a signal, on-success", {"Running": False, "ExitCode": 143}, ("-deregister=on-success",), False),
        row("5", "gone already, on-success", None, ("-deregister=on-success",), False),
        row("ours", "ended, never", {"Running": False, "ExitCode": 0}, ("-deregister=never",), True),
        row("ours", "gone, never", None, ("-deregister=never",), True),
        row("ours", "gone, never with -cleanup", None, ("-deregister=never", "-cleanup"), False),
        row("ours", "paused, never", {"Paused": True}, ("-deregister=never",), False),
        row("ours", "between two restarts", {"Restarting": True, "ExitCode": 1}, (), False),
    ],
)  # fmt: skip
def test_what_ended(state: dict[str, Any] | None, argv: tuple[str, ...], *, expected: bool) -> None:
    container = None if state is None else read_container(box(P80, state=state))
    assert stays(container, options(*argv)) is expected


@pytest.mark.parametrize(
    ("id_", "removed"),
    [
        row("5", "this host's", "slave:gone:80", True),
        row("5", "this host's, udp", "slave:gone:53:udp", True),
        row("5", "another host's", "master:gone:80", False),
        row("5", "a custom id is nobody's", "mine", False),
        row("5", "no port", "slave:gone:http", False),
    ],
)
def test_cleanup(id_: str, *, removed: bool) -> None:
    assert dangling([Registered(id_, "web")], "slave") == ((Deregister(id_),) if removed else ())
