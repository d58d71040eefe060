"""README's way from bare machines to a scaled stack, line by line as it stands there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.standing import PROJECT, sandbox_name

FIRST = "$ deployer sandbox up --name tutorial"


def tutorial() -> tuple[list[str], list[str]]:
    """The commands, each with its here document, and the lines of output that README shows."""
    blocks = re.findall(r"```console\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    (block,) = [block for block in blocks if block.startswith(FIRST)]
    commands: list[str] = []
    shown: list[str] = []
    within = False
    for line in block.splitlines():
        if within:
            commands[-1] += f"\n{line}"
            within = line != "END"
        elif line.startswith("$ "):
            commands.append(line.removeprefix("$ "))
            within = "<<END" in line
        elif line:
            shown.append(line)
    return commands, shown


def test_the_readmes_tutorial(tmp_path: Path) -> None:
    name = sandbox_name("tutorial")
    # The real HOME: ssh takes `~` from the password database. All that is made for the user goes elsewhere.
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "LANG", "HOME"}}
    env = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
        **{f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CACHE", "STATE", "DATA", "CONFIG")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": f"t@{who}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }

    def shell(script: str) -> str:
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=900
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
        return done.stdout

    commands, shown = tutorial()
    assert commands[-1] == "cd .. && deployer sandbox down --name tutorial"
    try:
        shell(commands[0].replace("tutorial", name))
        machines = json.loads(shell(f"deployer sandbox status --name {name} --json"))["machines"]
        network = re.fullmatch(r"(\d+\.\d+\.\d+)\.\d+", next(one["address"] for one in machines))
        assert network is not None
        rest = "\n".join(["set -e", *commands[1:]]).replace("10.99.4.", f"{network[1]}.").replace("tutorial", name)
        told = shell(rest.replace("~/.local/state/", f"{tmp_path}/state/"))
        for line in shown:
            assert line in told
        assert "slave2" in told  # docker node ls
        assert len(re.findall(r"^web +3/3 ", told, re.MULTILINE)) == 3  # deployer services web
    finally:
        subprocess.run(["deployer", "sandbox", "down", "--name", name], env=env, capture_output=True, check=False)
