"""The texts by which a supervisor runs `deployer watch`: a systemd unit, a compose file. Arguments in, text out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNIT: Final = """\
# /etc/systemd/system/deployer-watch.service; then: systemctl enable --now deployer-watch
[Unit]
Description=deployer watch: {name}
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart={command}
# SIGTERM to the watcher alone: it lets the step that runs end, and what that started must not be killed under it.
KillMode=mixed
TimeoutStopSec=15min
Restart=on-failure
RestartSec=10
UMask=0077
NoNewPrivileges=yes
ProtectSystem=full
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
# Whose ~/.ssh, Docker credentials and age keys count; root, unless you say otherwise.
# User=deployer

[Install]
WantedBy=multi-user.target
"""

_COMPOSE: Final = """\
# PACKAGE=git+https://... docker compose up --detach
# Its image has git, OpenSSH's client, Docker's client with the compose plugin, and deployer itself.
services:
  watch:
    build:
      dockerfile_inline: |
        FROM ${{BASE:-debian:13-slim}}
        ARG PACKAGE
        RUN apt-get update && apt-get install -y --no-install-recommends \\
              ca-certificates git openssh-client docker-cli docker-compose python3-venv \\
            && rm -rf /var/lib/apt/lists/* && python3 -m venv /opt/deployer && /opt/deployer/bin/pip install "$$PACKAGE"
        ENTRYPOINT ["/opt/deployer/bin/deployer"]
      args:
        # PyPI's package of the name `deployer` is another program.
        PACKAGE: "${{PACKAGE:?a wheel's address, or git+https://... of deployer's repository}}"
    command: {command}
    init: true
    restart: unless-stopped
    stop_grace_period: 15m      # the step that runs is let end
    healthcheck:
      test: ["CMD", "/usr/bin/python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8099/health', timeout=4)"]
      interval: 30s
      timeout: 5s
      retries: 3
    volumes:
      - state:/root/.local/state/deployer
      - cache:/root/.cache/deployer
      - ${{SSH:-~/.ssh}}:/root/.ssh:ro      # keys and known hosts
{mounts}volumes:
  state: {{}}
  cache: {{}}
"""


def systemd_unit(program: Sequence[str], arguments: Sequence[str], name: str) -> str:
    """A unit that runs this very program with those arguments."""
    return _UNIT.format(command=" ".join(_word(one) for one in (*program, *arguments)), name=_description(name))


def compose_file(arguments: Sequence[str], folders: Sequence[str]) -> str:
    """A compose file; `folders` of this machine are there under the same paths."""
    mounts = "".join(f"      - {json.dumps(_dollars(f'{folder}:{folder}'))}\n" for folder in folders)
    command = json.dumps([_dollars(one) for one in arguments], ensure_ascii=False)
    return _COMPOSE.format(command=command, mounts=mounts)


def _word(text: str) -> str:
    """One argument as systemd reads it back (systemd.service(5), "COMMAND LINES"): quoted, `%` and `$` doubled."""
    doubled = text.replace("%", "%%").replace("$", "$$")
    if re.fullmatch(r"[A-Za-z0-9_./:@=+,%$-]+", doubled):
        return doubled
    return '"' + doubled.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _description(text: str) -> str:
    return " ".join(text.replace("%", "%%").split())


def _dollars(text: str) -> str:
    return text.replace("$", "$$")
