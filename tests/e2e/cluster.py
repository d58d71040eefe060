"""The cluster that most end-to-end tests share: the project's own example on four machines, known before and after each file."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Final

from tests.e2e.standing import PROJECT, CommandError, Standing
from tests.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS: Final = ("master", "slave", "slave2")
MACHINES: Final = ("consul", *MEMBERS)
HEALTHCHECK: Final = """\
healthcheck:
      test: ["CMD", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/80"]
      interval: 4s
      timeout: 60s
      retries: 5
"""
"""In place of the example's: six tasks that start a Python every two seconds take half of what two cores can do."""
COUNTS: Final = {"swarmtest_web": "3/3", "swarmtest_redis": "1/1", "proxy_nginx": "1/1"}


class Cluster(Standing):
    """The example of this repository. Its machines are bare until `deployer apply` is run."""

    def __init__(self, kind: str, folder: Path) -> None:
        super().__init__(kind, folder)
        self._write_example()

    def _write_example(self) -> None:
        for name in ("cluster", "stacks"):
            shutil.rmtree(self.repo / name, ignore_errors=True)
            shutil.copytree(PROJECT / name, self.repo / name)
        compose = self.repo / "stacks/swarmtest/compose.yaml"
        compose.write_text(re.sub(r"healthcheck:\n.*\n.*\n.*\n.*\n", HEALTHCHECK, compose.read_text()))
        # One machine is reached as somebody who is not root, has sudo, and is not in the group `docker`.
        with (self.repo / "cluster/nodes/slave2.yaml").open("a") as file:
            file.write("ssh: {user: admin}\n")

    def apply(self) -> None:
        """Apply the example, and remember it as what each file of tests finds and leaves."""
        self.must("apply")
        self._example = self.git("rev-parse", "HEAD")

    # --- the known state ----------------------------------------------------------------------------------------------

    def differences(self) -> list[str]:
        """How git and the cluster differ from the example as it was applied, a line each; none when all is as it was."""
        found = []
        if edited := self.git("status", "--porcelain"):
            found.append(f"files that are not committed: {edited}")
        if changed := self.git("diff", "--name-only", self._example, "HEAD"):
            found.append(f"files that are not as they were: {changed}")
        try:
            if (counts := self.replicas()) != COUNTS:
                found.append(f"services: {counts}")
            members = sorted((one["Hostname"], one["Status"], one["Availability"]) for one in self.listed("node", "ls"))
            if members != [(name, "Ready", "Active") for name in MEMBERS]:
                found.append(f"members: {members}")
        except (CommandError, subprocess.TimeoutExpired) as error:
            found.append(str(error))
        if not found:
            planned = self.deployer("plan", "--detailed-exitcode")
            if planned.returncode != 0:
                found.append(f"plan:\n{planned.stdout}{planned.stderr}")
        return found

    def settle(self) -> list[str]:
        """Bring the known state about; returns what differed from it, nothing where a test file left all as it was.

        Tried in this order: wait for what is on its way, set back what differs, make the machines anew.
        """
        if self._is_known(20):
            return []
        left = self.differences()
        self._set_back()
        if not self._is_known(90):
            left += ["it could not be set back; the machines were made anew", *self.differences()]
            self._make_anew()
        return left

    def _is_known(self, seconds: float) -> bool:
        try:
            wait_until(lambda: not self.differences(), "the known state", seconds=seconds)
        except AssertionError:
            return False
        return True

    def _set_back(self) -> None:
        for machine in MACHINES:
            for verb in ("unpause", "start"):
                subprocess.run(["docker", verb, self.container(machine)], capture_output=True, check=False, timeout=60)
        self.git("reset", "--quiet", "--hard")
        self.git("clean", "-d", "--force", "--quiet")
        self.git("rm", "-r", "--quiet", ".")
        self.git("checkout", self._example, "--", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message", "As the example is")
        self.back_to("HEAD")
        try:
            foreign = [name for name in self.replicas() if name not in COUNTS]
            if foreign:
                self.on("master", "docker", "service", "rm", *foreign)
            self.forget_lost_members()
        except (CommandError, subprocess.TimeoutExpired, AssertionError):
            pass  # the check after it says what is still wrong
        self.deployer("apply")

    def _make_anew(self) -> None:
        self.must("sandbox", "down", "--name", self.name)
        self._write_example()
        self.boot()
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "The machines anew")
        self.back_to("HEAD")
        self.apply()

    # --- what tests do to it ------------------------------------------------------------------------------------------

    def forget_lost_members(self) -> None:
        """Take the entries of machines that left the swarm, and have joined it anew, out of the managers' list."""

        def lost() -> list[str]:
            return [entry["ID"] for entry in self.listed("node", "ls") if entry["Status"] == "Down"]

        names = [entry["Hostname"] for entry in self.listed("node", "ls")]
        if len(names) == len(set(names)):
            return  # they were down already when the machine joined anew: apply has taken them out
        self.on("master", "docker", "node", "rm", "--force", *wait_until(lost, "the lost member to be down"))

    def nothing_runs(self) -> None:
        """Take the stacks, the swarm and Consul away again; the engines stay.

        A kernel takes the interfaces of overlay networks away some time after the engine let go of them, and the next swarm
        numbers its networks from the start again: its tasks would fail with "error creating vxlan interface: file exists".
        """
        for machine in reversed(MEMBERS):
            self.on(machine, "sh", "-c", "docker swarm leave --force || true")
        self.on("consul", "sh", "-c", "docker rm --force --volumes deployer-consul || true")
        for machine in reversed(MEMBERS):
            gone = partial(self._overlays_are_gone, machine)
            try:
                wait_until(gone, "the overlay networks to be gone", seconds=20)
            except AssertionError:
                # An engine finds them when it starts, and takes each away when its number is needed.
                self.on(machine, "sh", "-c", "systemctl reset-failed docker; systemctl restart docker")

    def _overlays_are_gone(self, machine: str) -> bool:
        """Whether an interface can be made for each number that a swarm's first networks get: they are not listed anywhere."""
        probe = (
            "for number in 4096 4097 4098 4099; do"
            " ip link add probe type vxlan id $number dstport 4789 2>/dev/null || exit 0; ip link del probe; done; echo gone"
        )
        return self.on(machine, "sh", "-c", probe) == "gone\n"
