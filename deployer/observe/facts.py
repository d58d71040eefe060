"""One machine's facts: the script that gathers them, and the reader of what it prints; pure twins."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from deployer.model.command import Command
from deployer.model.observed import OperatingSystem
from deployer.model.tls import DROPIN, FOLDER, STOCK

FACTS_SECONDS: Final = 15.0

_SCRIPT: Final = (
    STOCK
    + r"""
exec 2>/dev/null
put() { printf '%s\t%s\n' "$1" "$2"; }
if [ -r /etc/os-release ]; then
    . /etc/os-release
    put os.id "$ID"; put os.version "$VERSION_ID"; put os.codename "$VERSION_CODENAME"
    put os.name "$PRETTY_NAME"; put os.like "$ID_LIKE"
fi
put architecture "$(uname -m)"
put clock "$(date +%s)"
if [ "$(id -u)" = 0 ] || sudo -n true; then put privileged yes; fi
if command -v dockerd >/dev/null || [ -S /var/run/docker.sock ]; then put dockerd yes; fi
file=/etc/docker/daemon.json
if [ -r "$file" ]; then put daemon "$(base64 -w0 <"$file")"
elif [ -e "$file" ]; then put daemon "$(sudo -n base64 -w0 "$file")"; fi
tls=DROPIN
if [ -e "$tls" ]; then
    while IFS= read -r line; do
        case $line in ExecStart=?*) put tls.command "${line#ExecStart=}" ;; esac
    done <"$tls"
    put tls.stock "$(stock)"
    root=; [ "$(id -u)" = 0 ] || root='sudo -n'
    put tls.certificate "$($root base64 -w0 FOLDER/cert.pem)"
    put tls.trusted "$($root base64 -w0 FOLDER/ca.pem)"
fi
# Not by pipes: each would be two more processes, and this runs on every machine at every plan.
each() { while read -r line; do [ -z "$line" ] || put "$1" "$line"; done; }
routes=$(ip -o route show default)
[ -n "$routes" ] || routes=$(ip -6 -o route show default)
each default <<END
$routes
END
for mtu in /sys/class/net/*/mtu; do
    read -r bytes <"$mtu" && [ "$bytes" -lt 1500 ] && interface=${mtu%/mtu} && put mtu "${interface##*/} $bytes"
done
addresses=$(ip -o addr show scope global)
each address <<END
$addresses
END
""".replace("DROPIN", DROPIN).replace("FOLDER", FOLDER)
)


@dataclass(frozen=True)
class TlsFacts:
    """How systemd starts an engine that listens for TLS, and how it would without us; certificate and authorities in PEM."""

    command: str
    stock: str
    certificate: str
    trusted: str


@dataclass(frozen=True)
class Facts:
    """What the script found out."""

    os: OperatingSystem
    architecture: str
    privileged: bool
    has_engine: bool
    interfaces: tuple[tuple[str, str], ...]
    default_interface: str
    daemon_json: str | None
    clock: int | None = None
    """Seconds since the epoch, by the machine's own clock."""
    tls: TlsFacts | None = None
    small_mtus: tuple[tuple[str, int], ...] = ()


def facts_command(*, root: bool = False) -> Command:
    """One script on standard input, in one shell: a login shell's start-up files cost more than all of it.

    `root`: as root, where sudo wants a password, which the script cannot give.
    """
    return Command(("sh", "-s"), stdin=_SCRIPT.encode(), root=root, timeout=FACTS_SECONDS)


def read_facts(text: str) -> Facts:
    """The script's `key<TAB>value` lines as values; what a machine could not tell is empty.

    `ip -o addr` prints `2: eth0    inet 10.0.0.3/24 brd ...`, `ip -o route` prints `default via 10.0.0.1 dev eth0 ...`
    (ip-address(8), ip-route(8)).
    """
    told: dict[str, list[str]] = {}
    for line in text.split("\n"):
        key, tab, value = line.partition("\t")
        if tab:
            told.setdefault(key, []).append(value)

    def one(key: str) -> str:
        return told.get(key, [""])[0]

    interfaces = tuple(pair for line in told.get("address", []) if (pair := _address(line)))
    return Facts(
        os=OperatingSystem(
            one("os.id"), one("os.version"), one("os.codename"), one("os.name"), tuple(one("os.like").split())
        ),
        architecture=one("architecture"),
        privileged=one("privileged") == "yes",
        has_engine=one("dockerd") == "yes",
        interfaces=interfaces,
        small_mtus=tuple(
            (name, int(mtu))
            for name, _, mtu in (line.partition(" ") for line in told.get("mtu", []))
            if mtu.isdecimal() and any(name == interface for interface, _ in interfaces)
        ),
        default_interface=_after(one("default").split(), "dev"),
        daemon_json=_decoded(one("daemon")) if "daemon" in told else None,
        clock=int(one("clock")) if one("clock").isdigit() else None,
        tls=TlsFacts(
            one("tls.command"), one("tls.stock"), _decoded(one("tls.certificate")), _decoded(one("tls.trusted"))
        )
        if "tls.stock" in told
        else None,
    )


def _address(line: str) -> tuple[str, str] | None:
    words = line.split()
    address = _after(words, "inet") or _after(words, "inet6")
    return (words[1].partition("@")[0], address.partition("/")[0]) if address else None


def _after(words: list[str], keyword: str) -> str:
    """The word that follows `keyword`."""
    return next((value for key, value in pairwise(words) if key == keyword), "")


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return text
