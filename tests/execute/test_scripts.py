"""The scripts that machines get, run by a real shell with programs that only note how they were called."""

from __future__ import annotations

import base64
import shutil
import subprocess
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTS = files("deployer.execute") / "scripts"
TOOLS = ("sh", "cat", "cp", "mv", "rm", "mkdir", "base64", "grep", "readlink", "sleep")
LISTS_LOCK = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 417 (apt-get)"
DPKG_LOCK = "dpkg: error: dpkg frontend lock was locked by another process with pid 417"
OLD, NEW = '{"debug": true}\n', '{"debug": false, "log-level": "warn"}\n'


class Machine:
    """A directory of programs, and what was called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or "")
        self.file = root / "etc" / "docker" / "daemon.json"
        for name in ("apt-get", "apt-cache", "dpkg", "systemctl", "journalctl", "docker", "dockerd"):
            self.program(name, "exit 0")

    def program(self, name: str, script: str) -> None:
        """A program that notes its call, and then does what `script` says; `$n` is the number of the call."""
        path = self.bin / name
        path.write_text(
            f'#!/bin/sh\necho "{name} $*" >>"{self.root}/calls"\n'
            f'n=$(grep -c "^{name} " "{self.root}/calls")\n{script}\n',
            "utf-8",
        )
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        calls = self.root / "calls"
        return calls.read_text("utf-8").splitlines() if calls.exists() else []

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """As it is run over there: read from standard input."""
        return subprocess.run(
            ["sh", "-s", *arguments], input=script, text=True, capture_output=True, check=False, timeout=20,
            env={"PATH": str(self.bin), "PAUSE": "0.01"},
        )  # fmt: skip

    def install(self, method: str = "distro") -> subprocess.CompletedProcess[str]:
        return self.run((SCRIPTS / "engine-debian.sh").read_text("utf-8"), method)

    def write(self, text: str, effect: str) -> subprocess.CompletedProcess[str]:
        encoded = base64.b64encode(text.encode()).decode()
        script = f"encoded={encoded}\n" + (SCRIPTS / "daemon-json.sh").read_text("utf-8")
        return self.run(script, effect, str(self.file))

    def had(self, text: str, mode: int = 0o644) -> None:
        self.file.parent.mkdir(parents=True)
        self.file.write_text(text, "utf-8")
        self.file.chmod(mode)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.file.parent.iterdir())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_engine_is_installed_and_seen_to_run(machine: Machine) -> None:
    machine.program("docker", 'if [ "$#" -gt 1 ]; then echo 26.1.5; fi')
    machine.program("apt-cache", "exit 100")
    completed = machine.install()
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout == "Docker 26.1.5 runs\n"
    assert [call.split(" ")[0] for call in machine.calls[:4]] == ["dpkg", "apt-get", "apt-cache", "apt-get"]
    assert machine.calls[3].endswith("install --no-install-recommends docker.io")
    assert machine.calls[4] == "systemctl enable --now docker"


def test_the_client_is_a_package_of_its_own_on_newer_ones(machine: Machine) -> None:
    machine.install()
    assert machine.calls[3].endswith("install --no-install-recommends docker.io docker-cli")


@pytest.mark.parametrize(("program", "message"), [("apt-get", LISTS_LOCK), ("dpkg", DPKG_LOCK)])
def test_another_apt_is_waited_for_and_that_is_said_once(machine: Machine, program: str, message: str) -> None:
    machine.program(program, f'if [ "$n" -le 2 ]; then echo "{message}" >&2; exit 100; fi')
    completed = machine.install()
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.count("waiting for another apt to end") == 1
    first = machine.calls[: 3 if program == "dpkg" else 4]
    assert len([call for call in first if call.startswith(program)]) == 3


def test_any_other_trouble_ends_it_with_what_was_said(machine: Machine) -> None:
    machine.program("apt-get", 'echo "E: The repository does not have a Release file." >&2; exit 100')
    completed = machine.install()
    assert completed.returncode == 1
    assert completed.stderr == "E: The repository does not have a Release file.\n"
    assert not [call for call in machine.calls if "install" in call or "systemctl" in call]


def test_a_lock_that_stays_is_given_up(machine: Machine) -> None:
    machine.program("dpkg", f'echo "{DPKG_LOCK}" >&2; exit 2')
    script = (SCRIPTS / "engine-debian.sh").read_text("utf-8").replace("-lt 150", "-lt 3")
    completed = machine.run(script, "distro")
    assert completed.returncode == 1
    assert completed.stderr.strip() == DPKG_LOCK
    assert len(machine.calls) == 3


def test_an_installation_that_fails(machine: Machine) -> None:
    machine.program("apt-get", 'case $* in *install*) echo "E: You have held broken packages." >&2; exit 100 ;; esac')
    completed = machine.install()
    assert completed.returncode == 100
    assert completed.stderr.strip() == "E: You have held broken packages."
    assert "systemctl enable --now docker" not in machine.calls


def test_an_engine_that_does_not_start(machine: Machine) -> None:
    machine.program("docker", "exit 1")
    machine.program("journalctl", "echo no space left on device")
    script = (
        (SCRIPTS / "engine-debian.sh").read_text("utf-8").replace("-lt 60", "-lt 3").replace("sleep 0.5", "sleep 0.01")
    )
    completed = machine.run(script, "distro")
    assert completed.returncode == 1
    assert completed.stderr == "no space left on device\n"


def test_a_method_that_does_not_exist(machine: Machine) -> None:
    completed = machine.install("by-hand")
    assert (completed.returncode, completed.stderr) == (2, "unknown method by-hand\n")


@pytest.mark.parametrize("name", ["engine-debian.sh", "daemon-json.sh"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_half_a_script_does_nothing(machine: Machine, name: str, share: float) -> None:
    """The connection broke while it was being sent: the shell reads to the end of what came."""
    script = (SCRIPTS / name).read_text("utf-8")
    script = "encoded=e30K\n" + script[: int(len(script) * share)]
    machine.run(script, "restart" if name.startswith("daemon") else "distro", str(machine.file))
    assert machine.calls == []
    assert not machine.file.exists()


@pytest.mark.parametrize("name", ["engine-debian.sh", "daemon-json.sh"])
def test_what_a_script_runs_cannot_read_the_rest_of_it(machine: Machine, name: str) -> None:
    """dpkg's questions are answered from standard input, where the script itself comes from."""
    for program in ("dpkg", "apt-get", "systemctl"):
        machine.program(program, f'cat >>"{machine.root}/swallowed"')
    script = "encoded=e30K\n" + (SCRIPTS / name).read_text("utf-8") + "#" * 20_000
    completed = machine.run(script, "restart" if name.startswith("daemon") else "distro", str(machine.file))
    assert completed.returncode == 0, completed.stderr
    assert (machine.root / "swallowed").read_text("utf-8") == ""


def test_daemon_json_before_the_first_start(machine: Machine) -> None:
    completed = machine.write(NEW, "none")
    assert completed.returncode == 0, completed.stderr
    assert machine.file.read_text("utf-8") == NEW
    assert machine.calls == []
    assert machine.left() == ["daemon.json"]
    assert machine.file.stat().st_mode & 0o777 == 0o600
    assert machine.file.parent.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("effect", ["reload", "restart"])
def test_daemon_json_of_a_running_engine(machine: Machine, effect: str) -> None:
    machine.had(OLD)
    assert machine.write(NEW, effect).returncode == 0
    assert machine.file.read_text("utf-8") == NEW
    assert machine.calls == ["dockerd --help", f"systemctl {effect} docker"]
    assert machine.left() == ["daemon.json"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_file_stays_as_closed_as_it_was(machine: Machine, mode: int) -> None:
    machine.had(OLD, mode)
    machine.write(NEW, "none")
    assert machine.file.stat().st_mode & 0o777 == mode


def test_a_link_stays_a_link(machine: Machine) -> None:
    machine.had(OLD)
    real = machine.root / "managed.json"
    machine.file.rename(real)
    machine.file.symlink_to(real)
    assert machine.write(NEW, "none").returncode == 0
    assert machine.file.is_symlink()
    assert real.read_text("utf-8") == NEW


def test_what_the_engine_refuses_is_not_written(machine: Machine) -> None:
    machine.had(OLD)
    machine.program(
        "dockerd", 'if [ "$1" = --help ]; then echo "  --validate  x"; else echo "unknown key" >&2; exit 1; fi'
    )
    completed = machine.write('{"nonsense": 1}\n', "restart")
    assert (completed.returncode, completed.stderr) == (1, "unknown key\n")
    assert machine.file.read_text("utf-8") == OLD
    assert machine.left() == ["daemon.json"]
    assert not [call for call in machine.calls if call.startswith("systemctl")]


def test_what_the_engine_accepts_is_written(machine: Machine) -> None:
    machine.program("dockerd", 'if [ "$1" = --help ]; then echo "  --validate  x"; fi')
    assert machine.write(NEW, "restart").returncode == 0
    assert machine.file.read_text("utf-8") == NEW
    assert machine.calls[1] == f"dockerd --validate --config-file {machine.file}.deployer"


@pytest.mark.parametrize("had", [OLD, None])
def test_a_file_with_which_the_engine_does_not_start_is_taken_back(machine: Machine, had: str | None) -> None:
    """Engine 20.10 has no `--validate`: there it shows only now."""
    if had is not None:
        machine.had(had)
    machine.program("systemctl", 'if [ "$n" = 1 ]; then exit 1; fi')
    machine.program("journalctl", "echo unable to configure the daemon")
    completed = machine.write(NEW, "restart")
    assert completed.returncode == 1
    assert completed.stderr.splitlines() == [
        "unable to configure the daemon", "the engine did not start with it; the old file is back",
    ]  # fmt: skip
    assert (machine.file.read_text("utf-8") if machine.file.exists() else None) == had
    assert machine.left() == (["daemon.json"] if had else [])
    assert [call for call in machine.calls if call.startswith("systemctl")] == [
        "systemctl restart docker", "systemctl reset-failed docker", "systemctl restart docker",
    ]  # fmt: skip


def test_an_engine_that_starts_with_neither_file(machine: Machine) -> None:
    machine.had(OLD)
    machine.program("systemctl", "exit 1")
    completed = machine.write(NEW, "restart")
    assert completed.returncode == 1
    assert completed.stderr.endswith("nor with the old file, which is back\n")
    assert machine.file.read_text("utf-8") == OLD


def test_a_text_with_anything_in_it_arrives_as_it_is(machine: Machine) -> None:
    text = '{"a": "$(touch x) `id` \\" \' \\u00e9 %s \\\\n"}'
    machine.write(text, "none")
    assert machine.file.read_text("utf-8") == text
    assert sorted(path.name for path in machine.root.iterdir()) == ["bin", "etc"]


@pytest.mark.parametrize("name", ["engine-debian.sh", "daemon-json.sh"])
def test_they_are_plain_posix_shell(name: str) -> None:
    script = (SCRIPTS / name).read_bytes()
    assert subprocess.run(["sh", "-n"], input=script, check=False).returncode == 0
    assert b"[[" not in script
    assert b"local " not in script
