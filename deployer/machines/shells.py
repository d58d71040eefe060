"""Variables in, the lines that set or unset them in a shell out: docker-machine's own forms (commands/env.go). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD: Final = "Run this command to configure your shell: "


@dataclass(frozen=True)
class Shell:
    r"""`set` and `unset` are filled with KEY and VALUE, `hint` with the command; `special` are characters that `\\` escapes."""

    set: str
    unset: str
    hint: str
    comment: str = "# "
    special: str = ""
    escape: str = "\\"


_BASH: Final = Shell('export KEY="VALUE"', "unset KEY;", "# eval $(CMD)", special='\\"$`')
SHELLS: Final[Mapping[str, Shell]] = {
    "bash": _BASH,
    "fish": Shell('set -gx KEY "VALUE";', "set -e KEY;", "# eval (CMD)", special='\\"$'),
    "powershell": Shell(
        '$Env:KEY = "VALUE"', "Remove-Item Env:\\\\KEY", "# & CMD | Invoke-Expression", special='`"$', escape="`"
    ),
    "cmd": Shell("SET KEY=VALUE", "SET KEY=", "REM \t@FOR /f \"tokens=*\" %i IN ('CMD') DO @%i", "REM "),
    "tcsh": Shell('setenv KEY "VALUE";', "unsetenv KEY;", ": eval `CMD`", ": ", special="!", escape="\\"),
    "emacs": Shell(
        '(setenv "KEY" "VALUE")',
        '(setenv "KEY" nil)',
        ';; (with-temp-buffer (shell-command "CMD" (current-buffer)) (eval-buffer))',
        ";; ",
        special='\\"',
    ),
}


def shell_of(asked: str | None, environment: Mapping[str, str]) -> Shell:
    """The shell that is asked for, or the one that $SHELL names; what is not listed has bash's syntax.

    Raises UsageError where neither says any.
    """
    name = asked or environment.get("SHELL", "").rpartition("/")[2]
    if not name:
        raise UsageError("unknown shell: SHELL is not set", help=f"say which: --shell {'|'.join(SHELLS)}")
    return SHELLS.get({"csh": "tcsh", "pwsh": "powershell"}.get(name, name), _BASH)


def lines(shell: Shell, variables: Mapping[str, str | None], command: str) -> str:
    """A line a variable, None unsets it; then how to use them.

    `eval $(...)` makes one line of them all: what is unset comes first, each ended by itself, as `export` takes what follows.
    """
    told = [_line(shell, name, value) for name, value in sorted(variables.items(), key=lambda one: one[1] is not None)]
    return "\n".join((*told, f"{shell.comment}{HEAD}", shell.hint.replace("CMD", command))) + "\n"


def _line(shell: Shell, name: str, value: str | None) -> str:
    if value is None:
        return shell.unset.replace("KEY", name)
    escaped = (
        re.sub(f"[{re.escape(shell.special)}]", lambda found: shell.escape + found[0], value)
        if shell.special
        else value
    )
    return shell.set.replace("KEY", name).replace("VALUE", escaped)
