"""The check that Consul is to make, by a container's settings (developer.hashicorp.com/consul/api-docs/agent/check). Pure.

A check is something that a container has Consul's agent do, on the agent's machine, with the agent's rights:

- Its place is the service's own address and port; the container says the path alone.
- Its method may read and nothing else. Consul follows redirects: of a PUT, the answer `307 http://127.0.0.1:8500/v1/agent/leave`
  would have the agent leave its cluster, and 1.8.7 refuses a definition that forbids redirects.
- Programs are for those who allow them, here as well as at the agent (`enable_script_checks`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from deployer.model.nearest import nearest
from deployer.model.printable import shown
from deployer.registrator.address import join

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.registrator.metadata import Settings

INTERVAL: Final = "10s"
NEVER: Final = "876000h"
"""The time-out of a check that only Docker's health changes: a hundred years. Consul wants one, and a registrator that is down
says nothing about the containers."""
STATUSES: Final = frozenset({"passing", "warning", "critical"})
OF_HEALTH: Final = {"healthy": "passing", "unhealthy": "critical", "starting": "critical"}
"""Docker's word, and Consul's. A container that has not passed its first check gets no traffic: critical is also Consul's own beginning."""
Kind = Literal["http", "https", "cmd", "script", "ttl", "tcp", "grpc"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_KNOWN: Final = frozenset({
    *KINDS, "http_method", "https_method", "interval", "timeout", "initial_status", "deregister_after",
    "grpc_use_tls", "tls_skip_verify",
})  # fmt: skip
_DURATION: Final = re.compile(r"[+]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_READING: Final = ("GET", "HEAD", "OPTIONS")
"""The methods that change nothing (RFC 9110, 9.2.1) and that checks may have."""
LONGEST_PATH: Final = 2048
LONGEST_DURATION: Final = 32
MOST_UNKNOWN: Final = 20
LONGEST_NAME: Final = 64
"""Characters of a name that others are compared with."""


@dataclass(frozen=True)
class Target:
    """What is checked."""

    address: str
    port: int
    container: str
    exposed: int


class BadCheckError(ValueError):
    """Consul would refuse the check, and the service with it. The message says why."""


def read_check(settings: Settings, target: Target, *, scripts: bool = False) -> dict[str, Any] | None:
    """Consul's definition of the check that the settings ask for; None where they ask for none. Raises BadCheckError.

    The first kind of KINDS that has a value wins. `scripts`: whether containers may have the agent run programs.
    """
    given = {key.removeprefix("check_"): value for key, value in settings.values.items() if key.startswith("check_")}
    kind = next((kind for kind in KINDS if given.get(kind)), None)
    if kind is None:
        return None
    if kind in {"cmd", "script"} and not scripts:
        raise BadCheckError(
            f"CHECK_{kind.upper()} has Consul's agent run a program on its machine, which -script-checks allows"
        )
    where = join(target.address, target.port)
    check: dict[str, Any] = _by_kind(kind, given, target, where)
    if kind != "ttl":
        check["Interval"] = _duration(given, "interval") or INTERVAL
    if kind not in {"ttl", "cmd", "script"} and (timeout := _duration(given, "timeout")):
        check["Timeout"] = timeout
    if after := _duration(given, "deregister_after"):
        check["DeregisterCriticalServiceAfter"] = after
    if status := given.get("initial_status"):
        if status not in STATUSES:
            raise BadCheckError(f"CHECK_INITIAL_STATUS is {shown(status)}, not passing, warning or critical")
        check["Status"] = status
    return check


def health_check(service: str, health: str) -> dict[str, Any]:
    """A check that Docker's HEALTHCHECK feeds."""
    return {"CheckID": check_id(service), "Name": "Docker health", "TTL": NEVER, "Status": OF_HEALTH[health]}


def check_id(service: str) -> str:
    """The id of the check that Docker's health feeds, on its agent."""
    return f"docker-health:{service}"


def unknown_checks(settings: Settings) -> tuple[str, ...]:
    """What is wrong with the names of check settings: one sentence each."""
    names = {key.removeprefix("check_") for key in settings.values if key.startswith("check_")} - _KNOWN
    return tuple(f"there is no setting CHECK_{name.upper()}" + _meant(name) for name in sorted(names)[:MOST_UNKNOWN])


@lru_cache(maxsize=256)
def _meant(name: str) -> str:
    near = nearest(name, sorted(_KNOWN)) if len(name) <= LONGEST_NAME else ""
    return f"; is CHECK_{near.upper()} meant?" if near else ""


def _by_kind(kind: Kind, given: Mapping[str, str], target: Target, where: str) -> dict[str, Any]:
    value = given[kind]
    match kind:
        case "http" | "https":
            return _http(kind, given, where)
        case "cmd":
            return {"Args": ["check-cmd", target.container[:12], str(target.exposed), value]}
        case "script":
            script = value.replace("$SERVICE_IP", target.address).replace("$SERVICE_PORT", str(target.port))
            return {"Args": ["sh", "-c", script]}
        case "ttl":
            return {"TTL": _duration(given, "ttl")}
        case "tcp":
            return {"TCP": where}
        case "grpc":
            tls: dict[str, Any] = {"GRPCUseTLS": True} if given.get("grpc_use_tls") else {}
            if tls and given.get("tls_skip_verify"):
                tls["TLSSkipVerify"] = True
            return {"GRPC": where, **tls}


def _http(kind: Literal["http", "https"], given: Mapping[str, str], where: str) -> dict[str, Any]:
    path, method = given[kind], given.get(f"{kind}_method", "").upper()
    if len(path) > LONGEST_PATH or not path.isprintable():
        raise BadCheckError(f"CHECK_{kind.upper()} is {shown(path)}, no path")
    if method and method not in _READING:
        told = shown(given[f"{kind}_method"])
        raise BadCheckError(f"CHECK_{kind.upper()}_METHOD is {told}; a check may only read: {', '.join(_READING)}")
    url = f"{kind}://{where}{path if path.startswith('/') else '/' + path}"
    return {"HTTP": url, **({"Method": method} if method else {})}


def _duration(given: Mapping[str, str], name: str) -> str:
    """A duration as Go writes it (`10s`, `1m30s`); empty where it is not set."""
    value = given.get(name, "")
    fits = len(value) <= LONGEST_DURATION and _DURATION.fullmatch(value) and re.search(r"[1-9]", value)
    if value and not fits:
        raise BadCheckError(f"CHECK_{name.upper()} is {shown(value)}, no duration like 10s or 1m30s")
    return value
