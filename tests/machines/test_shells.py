"""docker-machine's own lines for every shell that it knew, and what a real one makes of them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from deployer.errors import UsageError
from deployer.machines.environment import NOTHING, variables
from deployer.machines.shells import SHELLS, lines, shell_of
from deployer.model.cluster import Ssh
from tests.fakes import node

if TYPE_CHECKING:
    from deployer.machines.environment import Variables

SET: Variables = {"DOCKER_TLS_VERIFY": None, "DOCKER_HOST": "ssh://root@192.0.2.1"}

EXPECTED = {
    "bash": 'unset DOCKER_TLS_VERIFY;\nexport DOCKER_HOST="ssh://root@192.0.2.1"\n'
    "# Run this command to configure your shell: \n# eval $(deployer env m1)\n",
    "fish": 'set -e DOCKER_TLS_VERIFY;\nset -gx DOCKER_HOST "ssh://root@192.0.2.1";\n'
    "# Run this command to configure your shell: \n# eval (deployer env m1)\n",
    "powershell": 'Remove-Item Env:\\\\DOCKER_TLS_VERIFY\n$Env:DOCKER_HOST = "ssh://root@192.0.2.1"\n'
    "# Run this command to configure your shell: \n# & deployer env m1 | Invoke-Expression\n",
    "cmd": "SET DOCKER_TLS_VERIFY=\nSET DOCKER_HOST=ssh://root@192.0.2.1\n"
    "REM Run this command to configure your shell: \n"
    "REM \t@FOR /f \"tokens=*\" %i IN ('deployer env m1') DO @%i\n",
    "tcsh": 'unsetenv DOCKER_TLS_VERIFY;\nsetenv DOCKER_HOST "ssh://root@192.0.2.1";\n'
    ": Run this command to configure your shell: \n: eval `deployer env m1`\n",
    "emacs": '(setenv "DOCKER_TLS_VERIFY" nil)\n(setenv "DOCKER_HOST" "ssh://root@192.0.2.1")\n'
    ";; Run this command to configure your shell: \n"
    ';; (with-temp-buffer (shell-command "deployer env m1" (current-buffer)) (eval-buffer))\n',
}


@pytest.mark.parametrize("name", SHELLS)
def test_the_lines_of_each_shell(name: str) -> None:
    assert lines(SHELLS[name], SET, "deployer env m1") == EXPECTED[name]


@pytest.mark.parametrize(
    ("asked", "environment", "name"),
    [
        (None, {"SHELL": "/usr/bin/fish"}, "fish"),
        (None, {"SHELL": "/bin/csh"}, "tcsh"),
        (None, {"SHELL": "/bin/zsh"}, "bash"),
        ("powershell", {"SHELL": "/bin/bash"}, "powershell"),
    ],
)
def test_which_shell_it_is(asked: str | None, environment: dict[str, str], name: str) -> None:
    assert shell_of(asked, environment) is SHELLS[name]


def test_no_shell_at_all() -> None:
    with pytest.raises(UsageError) as caught:
        shell_of(None, {})
    assert caught.value.message == "unknown shell: SHELL is not set"


@pytest.mark.parametrize("quotes", ["", '"'])
def test_a_real_shell_takes_them_with_quotes_and_without(quotes: str) -> None:
    r"""`eval $(...)` makes one line of them all; and a value is a value, whatever is in it."""
    told = lines(SHELLS["bash"], {"A": 'x"; echo "$HOME`id` \\', "DOCKER_TLS_VERIFY": None, "B": "2"}, "CMD")
    code = f'eval {quotes}$(printf %s "$TOLD"){quotes}; printf "%s|%s|%s" "$A" "$B" "${{DOCKER_TLS_VERIFY-none}}"'
    ran = subprocess.run(
        ["bash", "-c", code], env={"TOLD": told, "DOCKER_TLS_VERIFY": "1"}, capture_output=True, text=True, check=True
    )
    assert ran.stdout == 'x"; echo "$HOME`id` \\|2|none'


def test_taken_back_by_a_real_shell() -> None:
    told = lines(SHELLS["bash"], NOTHING, "CMD")
    code = 'eval $(printf %s "$1"); compgen -v DOCKER_ || echo none'
    environment = {"DOCKER_HOST": "x", "DOCKER_CERT_PATH": "y", "DOCKER_MACHINE_NAME": "z"}
    ran = subprocess.run(
        ["bash", "-c", code, "bash", told], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "none\n"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {"no_proxy": "192.0.2.1"}),
        ({"NO_PROXY": "a,b"}, {"NO_PROXY": "a,b,192.0.2.1"}),
        ({"no_proxy": "a", "NO_PROXY": "b"}, {"no_proxy": "a,192.0.2.1"}),
        ({"no_proxy": "192.0.2.1,a"}, {"no_proxy": "192.0.2.1,a"}),
    ],
)
def test_past_the_proxy(environment: dict[str, str], expected: dict[str, str]) -> None:
    made = variables(node(address="192.0.2.1", ssh=Ssh(user="root")), environment, no_proxy=True)
    assert made == {**SET, "DOCKER_CERT_PATH": None, "DOCKER_MACHINE_NAME": "m1", **expected}
