from __future__ import annotations

import base64
import platform
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.model.observed import OperatingSystem
from deployer.model.tls import DROPIN, FOLDER
from deployer.observe.facts import TlsFacts, facts_command, read_facts
from deployer.remote.local import LocalConnection
from tests.fakes import run

if TYPE_CHECKING:
    from pathlib import Path

DAEMON = '{"registry-mirrors": ["http://registry:5000"]}\n'

DEBIAN = f"""\
os.id\tdebian
os.version\t12
os.codename\tbookworm
os.name\tDebian GNU/Linux 12 (bookworm)
os.like\t
architecture\tx86_64
privileged\tyes
clock\t1795643210
dockerd\tyes
daemon\t{base64.b64encode(DAEMON.encode()).decode()}
default\tdefault via 203.0.113.1 dev eth0 proto static
address\t2: eth0    inet 203.0.113.10/24 brd 203.0.113.255 scope global eth0\\       valid_lft forever preferred_lft forever
address\t2: eth0    inet6 2001:db8::10/64 scope global \\       valid_lft forever preferred_lft forever
address\t3: eth1    inet 10.0.0.10/24 brd 10.0.0.255 scope global eth1\\       valid_lft forever preferred_lft forever
address\t4: docker0    inet 172.17.0.1/16 brd 172.17.255.255 scope global docker0\\       valid_lft forever preferred_lft forever
"""

UBUNTU = """\
os.id\tubuntu
os.version\t24.04
os.codename\tnoble
os.name\tUbuntu 24.04.1 LTS
os.like\tdebian
architecture\taarch64
default\tdefault via 10.1.0.1 dev ens3 proto dhcp src 10.1.0.7 metric 100
default\tdefault via 192.0.2.1 dev ens4 proto dhcp src 192.0.2.7 metric 200
address\t2: ens3    inet 10.1.0.7/24 metric 100 brd 10.1.0.255 scope global dynamic ens3\\       valid_lft 3300sec preferred_lft 3300sec
address\t15: eth0@if16    inet 10.98.0.12/24 brd 10.98.0.255 scope global eth0\\       valid_lft forever preferred_lft forever
"""


def test_debian_with_an_engine() -> None:
    facts = read_facts(DEBIAN)
    assert facts.os == OperatingSystem("debian", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)", ())
    assert (facts.architecture, facts.privileged, facts.has_engine) == ("x86_64", True, True)
    assert facts.interfaces == (
        ("eth0", "203.0.113.10"), ("eth0", "2001:db8::10"), ("eth1", "10.0.0.10"), ("docker0", "172.17.0.1"),
    )  # fmt: skip
    assert facts.default_interface == "eth0"
    assert facts.daemon_json == DAEMON
    assert facts.clock == 1795643210


def test_ubuntu_without_an_engine_and_a_user_who_may_not_sudo() -> None:
    facts = read_facts(UBUNTU)
    assert facts.os == OperatingSystem("ubuntu", "24.04", "noble", "Ubuntu 24.04.1 LTS", ("debian",))
    assert (facts.architecture, facts.privileged, facts.has_engine) == ("aarch64", False, False)
    assert facts.interfaces == (("ens3", "10.1.0.7"), ("eth0", "10.98.0.12"))
    assert facts.default_interface == "ens3"
    assert facts.daemon_json is None


def test_a_machine_without_ip8() -> None:
    facts = read_facts("os.id\talpine\narchitecture\tx86_64\nprivileged\tyes\n")
    assert (facts.interfaces, facts.default_interface, facts.os.id) == ((), "", "alpine")


def test_a_route_of_the_newer_protocol_alone() -> None:
    facts = read_facts("default\tdefault via fe80::1 dev eth0 proto ra metric 1024 expires 1798sec pref medium\n")
    assert facts.default_interface == "eth0"


def test_what_a_login_shell_says_on_the_way_is_passed_over() -> None:
    noisy = "Welcome to m1!\n\nYou have mail.\n" + UBUNTU + "logout\n"
    assert read_facts(noisy) == read_facts(UBUNTU)


def test_names_in_any_script() -> None:
    facts = read_facts("os.name\t漢字\u2028Linux \N{REPLACEMENT CHARACTER}\narchitecture\tx86_64\n")
    assert facts.os.name == "漢字\u2028Linux \N{REPLACEMENT CHARACTER}"
    assert facts.architecture == "x86_64"


@pytest.mark.parametrize(
    "text", ["", "\n", "\t\n", "bash: sh: command not found", "This account is currently not available."]
)
def test_what_is_no_answer_has_no_architecture(text: str) -> None:
    assert read_facts(text).architecture == ""


@pytest.mark.parametrize(
    ("encoded", "text"), [("", ""), (base64.b64encode(b"\xff{}").decode(), "�{}"), ("not base64!", "not base64!")]
)
def test_whatever_daemon_json_holds(encoded: str, text: str) -> None:
    """Whether it is JSON is for the core to judge: here it is only never taken for absent."""
    assert read_facts(f"daemon\t{encoded}\n").daemon_json == text


def test_lines_of_addresses_that_are_none() -> None:
    text = "address\tgarbage\naddress\t\naddress\t2: eth0    link/ether 02:42:ac:11:00:02\ndefault\t\n"
    facts = read_facts(text)
    assert (facts.interfaces, facts.default_interface) == ((), "")


def test_the_script_is_read_on_this_very_machine() -> None:
    completed = run(LocalConnection().run(facts_command()))
    assert completed.ok
    assert completed.stderr == ""
    assert read_facts(completed.stdout).architecture == platform.machine()


def test_the_script_on_a_machine_that_has_next_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ip, no sudo, no dockerd: what cannot be told is empty, and the rest is told."""
    for program in ("sh", "uname", "id"):
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    (tmp_path / "id").unlink()
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n", "utf-8")
    (tmp_path / "id").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    facts = read_facts(run(LocalConnection().run(facts_command())).stdout)
    assert facts.architecture == platform.machine()
    assert (facts.interfaces, facts.default_interface, facts.privileged) == ((), "", False)


UNIT = """\
# /lib/systemd/system/docker.service
[Service]
# ExecStart=/usr/bin/nothing
ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS
ExecReload=/bin/kill -s HUP $MAINPID

# /etc/systemd/system/docker.service.d/10-own.conf
[Service]
ExecStart=
ExecStart=/usr/sbin/dockerd -H fd:// --debug $DOCKER_OPTS

# /etc/systemd/system/docker.service.d/20-deployer-tls.conf
[Service]
ExecStart=
ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS -H tcp://0.0.0.0:2376

# /etc/systemd/system/docker.service.d/30-more.conf
[Service]
Environment=A=1
"""


def test_an_engine_that_listens_for_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How it is started, how it would be without our file, the certificate: in the middle of what a machine tells."""
    for program in ("sh", "uname", "id", "base64", "cat"):
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    (tmp_path / "unit").write_text(UNIT, "utf-8")
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\n[ "$1" = cat ] && cat "{tmp_path}/unit"\n', "utf-8")
    (tmp_path / "systemctl").chmod(0o755)
    (tmp_path / "sudo").write_text('#!/bin/sh\nshift\nexec "$@"\n', "utf-8")
    (tmp_path / "sudo").chmod(0o755)
    (tmp_path / "dropin").write_text(UNIT.partition("20-deployer-tls.conf\n")[2].partition("\n\n")[0] + "\n", "utf-8")
    (tmp_path / "cert.pem").write_text("certificate", "utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    command = facts_command()
    text = command.stdin.decode().replace(DROPIN, f"{tmp_path}/dropin").replace(FOLDER, str(tmp_path))
    told = run(LocalConnection().run(replace(command, stdin=text.encode()))).stdout
    assert read_facts(told).tls == TlsFacts(
        "/usr/sbin/dockerd -H fd:// $DOCKER_OPTS -H tcp://0.0.0.0:2376",
        "/usr/sbin/dockerd -H fd:// --debug $DOCKER_OPTS",
        "certificate",
        "",
    )
    assert read_facts(DEBIAN).tls is None


def test_only_small_packets_of_interfaces_that_have_an_address_are_kept() -> None:
    facts = read_facts(f"{DEBIAN}mtu\teth1 1420\nmtu\tveth324ec96 1424\nmtu\tlo\nmtu\teth0 x\n")
    assert facts.small_mtus == (("eth1", 1420),)
    assert read_facts(DEBIAN).small_mtus == ()
