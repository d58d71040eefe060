"""The scripts that machines get, run by a real shell with programs that only note how they were called."""

from __future__ import annotations

import base64
import shutil
import subprocess
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from deployer.execute.script import script
from deployer.model.tls import STOCK
from tests.waiting import GENEROUS

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTS = files("deployer.execute") / "scripts"
TOOLS = ("sh", "cat", "cp", "mv", "rm", "rmdir", "mkdir", "base64", "grep", "readlink", "sleep", "stat", "ln")
LISTS_LOCK = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 417 (apt-get)"
DPKG_LOCK = "dpkg: error: dpkg frontend lock was locked by another process with pid 417"
OLD, NEW = '{"debug": true}\n', '{"debug": false, "log-level": "warn"}\n'


class Machine:
    """A directory of programs, and what was called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env: dict[str, str] = {}
        self.bin = root / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or "")
        self.file = root / "etc" / "docker" / "daemon.json"
        for folder in ("usr", "var/lib", "var/cache"):
            (root / folder).mkdir(parents=True)
        (root / "etc").mkdir()
        for name in ("apt-get", "apt-cache", "dpkg", "systemctl", "journalctl", "docker", "dockerd"):
            self.program(name, "exit 0")

    def program(self, name: str, script: str) -> None:
        """A program that notes its call, and then does what `script` says; `$n` is the number of the call."""
        path = self.bin / name
        path.unlink(missing_ok=True)  # it may be a link to the real one
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

    def run(self, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """As it is run over there: read from standard input."""
        return subprocess.run(
            ["sh", "-s", *arguments], input=text, text=True, capture_output=True, check=False, timeout=GENEROUS,
            env={"PATH": str(self.bin), "PAUSE": "0.01", "ROOT": str(self.root), **self.env},
        )  # fmt: skip

    def install(self, method: str = "distro") -> subprocess.CompletedProcess[str]:
        return self.run(script("engine-debian.sh").decode(), method)

    def write(self, text: str, effect: str) -> subprocess.CompletedProcess[str]:
        encoded = base64.b64encode(text.encode()).decode()
        return self.run(f"encoded={encoded}\n" + whole("daemon-json.sh"), effect, str(self.file))

    def had(self, text: str, mode: int = 0o644) -> None:
        self.file.parent.mkdir(parents=True)
        self.file.write_text(text, "utf-8")
        self.file.chmod(mode)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.file.parent.iterdir())


def whole(name: str) -> str:
    return (SCRIPTS / name).read_text("utf-8") if name == "daemon-json.sh" else script(name).decode()


def arguments(machine: Machine, name: str) -> tuple[str, ...]:
    effect = {"daemon-json.sh": "restart", "engine-debian.sh": "distro", "engine-upgrade.sh": "upgrade"}[name]
    return effect, str(machine.file)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_engine_is_installed_and_seen_to_run(machine: Machine) -> None:
    machine.program("docker", 'if [ "$#" -gt 1 ]; then echo 26.1.5; fi')
    machine.program("apt-cache", "case $* in *docker-cli*) exit 100 ;; esac")
    completed = machine.install()
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout == "Docker 26.1.5 runs\n"
    assert [call.split(" ")[0] for call in machine.calls[:4]] == ["dpkg", "apt-get", "apt-cache", "apt-cache"]
    assert machine.calls[4].endswith("install --no-install-recommends docker.io")
    assert machine.calls[5] == "systemctl enable --now docker"
    assert (machine.root / "var/lib/deployer/packages").read_text("utf-8") == "docker.io\n"


def test_the_client_is_a_package_of_its_own_on_newer_ones(machine: Machine) -> None:
    machine.install()
    assert machine.calls[4].endswith("install --no-install-recommends docker.io docker-cli")


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
    machine.env = {"TRIES": "3"}
    completed = machine.install()
    assert completed.returncode == 65
    first, reason, advice = completed.stderr.splitlines()
    assert first == DPKG_LOCK
    assert reason == "deployer: another apt holds its lock for longer than 5 minutes"
    assert advice.startswith("deployer-help: see which one")
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
    text = script("engine-debian.sh").decode().replace("-lt 60", "-lt 3").replace("sleep 0.5", "sleep 0.01")
    completed = machine.run(text, "distro")
    assert completed.returncode == 1
    assert completed.stderr == "no space left on device\n"


def test_a_method_that_does_not_exist(machine: Machine) -> None:
    completed = machine.install("by-hand")
    assert (completed.returncode, completed.stderr) == (2, "unknown method by-hand\n")


@pytest.mark.parametrize("name", ["engine-debian.sh", "engine-upgrade.sh", "daemon-json.sh"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_half_a_script_does_nothing(machine: Machine, name: str, share: float) -> None:
    """The connection broke while it was being sent: the shell reads to the end of what came."""
    text = whole(name)
    text = "encoded=e30K\n" + text[: int(len(text) * share)]
    machine.run(text, *arguments(machine, name))
    assert machine.calls == []
    assert not machine.file.exists()


@pytest.mark.parametrize("name", ["engine-debian.sh", "engine-upgrade.sh", "daemon-json.sh"])
def test_what_a_script_runs_cannot_read_the_rest_of_it(machine: Machine, name: str) -> None:
    """dpkg's questions are answered from standard input, where the script itself comes from."""
    for program in ("dpkg", "apt-get", "systemctl"):
        machine.program(program, f'cat >>"{machine.root}/swallowed"')
    text = "encoded=e30K\n" + whole(name) + "#" * 20_000
    completed = machine.run(text, *arguments(machine, name))
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
    before = ["systemctl reset-failed docker"] if effect == "restart" else []
    assert machine.calls == ["dockerd --help", *before, f"systemctl {effect} docker"]
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
    machine.program("systemctl", 'if [ "$n" = 2 ]; then exit 1; fi')
    machine.program("journalctl", "echo unable to configure the daemon")
    completed = machine.write(NEW, "restart")
    assert completed.returncode == 1
    assert completed.stderr.splitlines() == [
        "unable to configure the daemon", "the engine did not start with it; the old file is back",
    ]  # fmt: skip
    assert (machine.file.read_text("utf-8") if machine.file.exists() else None) == had
    assert machine.left() == (["daemon.json"] if had else [])
    assert [call for call in machine.calls if call.startswith("systemctl")] == [
        "systemctl reset-failed docker", "systemctl restart docker",
    ] * 2  # fmt: skip


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
    assert sorted(path.name for path in machine.root.iterdir()) == ["bin", "etc", "usr", "var"]


@pytest.mark.parametrize("name", ["engine-debian.sh", "engine-upgrade.sh", "daemon-json.sh"])
def test_they_are_plain_posix_shell(name: str) -> None:
    script = (SCRIPTS / name).read_bytes()
    assert subprocess.run(["sh", "-n"], input=script, check=False).returncode == 0
    assert b"[[" not in script
    assert b"local " not in script


# --- what is looked at before anything is begun, and upgrades ---------------------------------------------------


def refusal(completed: subprocess.CompletedProcess[str]) -> str:
    assert completed.returncode == 65, completed.stderr
    reason, advice = [line for line in completed.stderr.splitlines() if line.startswith("deployer")]
    assert advice.startswith("deployer-help: ")
    return reason.removeprefix("deployer: ")


def test_a_full_disk_is_said_before_anything_is_begun(machine: Machine) -> None:
    machine.program("stat", 'case $4 in */var/cache) echo "100 4096" ;; *) echo "1000000 4096" ;; esac')
    assert refusal(machine.install()).startswith("its disk is full: less than 500 MB are free in ")
    assert not [call for call in machine.calls if not call.startswith("stat")]


def test_a_folder_that_cannot_be_written(machine: Machine) -> None:
    (machine.root / "usr").rmdir()
    (machine.root / "usr").write_text("no folder")  # root may write into every folder
    assert refusal(machine.install()).endswith("/usr cannot be written")
    assert machine.calls == []


def test_a_machine_without_apt(machine: Machine) -> None:
    (machine.bin / "apt-get").unlink()
    assert refusal(machine.install()).startswith("it has no apt-get")


def test_archives_that_do_not_answer(machine: Machine) -> None:
    machine.program("apt-get", "echo \"Err:1 http://deb Temporary failure resolving 'deb'\"")
    machine.program("apt-cache", "exit 100")
    assert refusal(machine.install()) == "its package archives do not answer"
    assert not [call for call in machine.calls if "install" in call]


def test_packages_that_cannot_be_fetched(machine: Machine) -> None:
    failing = "case $* in *install*) exit 100 ;; esac; echo \"Temporary failure resolving 'deb'\""
    machine.program("apt-get", failing)
    assert refusal(machine.install()).startswith("packages cannot be fetched")


def test_an_architecture_that_has_no_docker(machine: Machine) -> None:
    machine.program("apt-cache", "exit 100")
    machine.program("dpkg", "case $* in *architecture*) echo mips ;; esac")
    assert refusal(machine.install()) == "there is no package docker.io for mips on this release"


def test_what_is_newer_is_told_package_by_package(machine: Machine) -> None:
    machine.program(
        "dpkg-query",
        'case $* in *docker.io) echo "ii  20.10" ;; *runc) echo "ii  1.1" ;; *containerd) echo "rc  1.6" ;; *) exit 1 ;; esac',
    )
    machine.program("apt-cache", 'echo "$2:"; echo "  Installed: 1"; echo "  Candidate: 26.1"; echo "  Version table:"')
    completed = machine.run(script("engine-upgrade.sh").decode(), "look")
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout == "docker.io 20.10 26.1\nrunc 1.1 26.1\n"
    assert not [call for call in machine.calls if "install" in call]


def test_an_upgrade_installs_nothing_that_is_not_there(machine: Machine) -> None:
    machine.program("docker", 'if [ "$#" -gt 1 ]; then echo 26.1.5; fi')
    machine.program("dockerd", 'echo "Docker version 26.1.5, build 1"')
    completed = machine.run(script("engine-upgrade.sh").decode(), "upgrade", "docker.io", "runc")
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout == "Docker 26.1.5 runs\n"
    (install,) = [call for call in machine.calls if "install" in call]
    assert install.endswith("--only-upgrade docker.io runc")
    assert not [call for call in machine.calls if call.startswith("systemctl")], "its package has restarted it"


def test_an_engine_that_its_package_did_not_restart_and_a_client_that_it_took_away(machine: Machine) -> None:
    """Debian 13's docker.io over Debian 12's does both."""
    (machine.bin / "docker").unlink()
    machine.program("dockerd", 'echo "Docker version 26.1.5, build 1"')
    machine.program("docker-cli", 'if [ "$#" -gt 1 ]; then echo 20.10.24; fi')
    client = f'case $* in *docker-cli*) ln -s docker-cli "{machine.bin}/docker" ;; esac'
    machine.program("apt-get", client)
    completed = machine.run(script("engine-upgrade.sh").decode(), "upgrade", "docker.io")
    assert completed.returncode == 0, completed.stderr
    assert machine.calls[machine.calls.index("systemctl restart docker") - 1] == "systemctl reset-failed docker"


def test_only_what_deployer_installed_is_taken_away(machine: Machine) -> None:
    purge = script("engine-upgrade.sh").decode()
    assert machine.run(purge, "purge").stdout == "deployer installed none\n"
    assert machine.calls == []
    (machine.root / "var/lib/deployer").mkdir()
    (machine.root / "var/lib/deployer/packages").write_text("docker.io\n")
    assert machine.run(purge, "purge").stdout == "removed docker.io\n"
    assert machine.calls[-1].endswith("remove --purge docker.io")
    assert not (machine.root / "var/lib/deployer").exists()


class TestTls:
    """tls.sh: an engine that does not start with it runs as before, and no key is readable by others at any time."""

    STOCK = "/usr/sbin/dockerd -H fd:// $DOCKER_OPTS"

    def on(self, machine: Machine, mode: str = "on") -> subprocess.CompletedProcess[str]:
        told = "".join(
            f"{name}={base64.b64encode(f'new {name}'.encode()).decode()}\n"
            for name in ("trusted", "certificate", "key")
        )
        return machine.run(
            told + STOCK + (SCRIPTS / "tls.sh").read_text("utf-8"), mode, "-H tcp://0.0.0.0:2376 --tlsverify"
        )

    def unit(self, machine: Machine, start: str, restart: str = "exit 0") -> None:
        cat = f"printf '# /lib/systemd/system/docker.service\\nExecStart=%s\\n' '{start}'; exit 0"
        machine.program("systemctl", f"case $1 in cat) {cat} ;; restart) {restart} ;; esac")

    def files(self, machine: Machine) -> dict[str, tuple[int, str]]:
        found = [*machine.root.glob("etc/docker/**/*"), *machine.root.glob("etc/systemd/**/*")]
        return {
            str(path.relative_to(machine.root / "etc")): (path.stat().st_mode & 0o777, path.read_text("utf-8"))
            for path in found
            if path.is_file()
        }

    def test_on_again_and_off(self, machine: Machine) -> None:
        self.unit(machine, self.STOCK)
        for _ in range(2):
            assert self.on(machine).returncode == 0
            dropin = f"[Service]\nExecStart=\nExecStart={self.STOCK} -H tcp://0.0.0.0:2376 --tlsverify\n"
            assert self.files(machine) == {
                "docker/deployer-tls/ca.pem": (0o600, "new trusted"),
                "docker/deployer-tls/cert.pem": (0o600, "new certificate"),
                "docker/deployer-tls/key.pem": (0o600, "new key"),
                "systemd/system/docker.service.d/20-deployer-tls.conf": (0o644, dropin),
            }
            assert (machine.root / "etc/docker/deployer-tls").stat().st_mode & 0o777 == 0o700
        done = [call for call in machine.calls if not call.startswith("systemctl cat")]
        assert done == ["systemctl daemon-reload", "systemctl reset-failed docker", "systemctl restart docker"] * 2
        assert self.on(machine, "off").returncode == 0
        assert self.files(machine) == {}
        assert not (machine.root / "etc/systemd/system/docker.service.d").exists()

    def test_an_engine_that_does_not_start_with_it_runs_as_before(self, machine: Machine) -> None:
        self.unit(machine, self.STOCK)
        self.on(machine)
        folder = machine.root / "etc/docker/deployer-tls"
        (folder / "key.pem").write_text("old key", "utf-8")
        before = self.files(machine)
        self.unit(machine, self.STOCK, restart='[ "$n" -ge 11 ]')
        completed = self.on(machine)
        assert completed.returncode == 1
        assert "the engine did not start with it; it runs as before" in completed.stderr
        assert self.files(machine) == before

    def test_nor_the_first_time(self, machine: Machine) -> None:
        self.unit(machine, self.STOCK, restart="exit 1")
        completed = self.on(machine)
        assert completed.returncode == 1
        assert "nor as before" in completed.stderr
        assert self.files(machine) == {}

    @pytest.mark.parametrize(
        ("start", "reason"),
        [
            ("", "its engine is no service of systemd called docker"),
            ("/usr/bin/dockerd -H tcp://0.0.0.0:2376 -H unix:///var/run/docker.sock", "listens for TCP already"),
            ("/usr/bin/dockerd -H fd:// \\\\", "in several lines"),
        ],
    )
    def test_a_unit_that_it_cannot_add_to(self, machine: Machine, start: str, reason: str) -> None:
        self.unit(machine, start)
        completed = self.on(machine)
        assert completed.returncode == 65
        assert reason in completed.stderr
        assert self.files(machine) == {}
        assert {call.split()[1] for call in machine.calls} == {"cat"}
