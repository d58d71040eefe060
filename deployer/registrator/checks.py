"""Settings in, the check that Consul is to make out. Pure (REGISTRATOR.md, 4; developer.hashicorp.com/consul/api-docs/agent/check)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

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
KINDS: Final = ("http", "https", "cmd", "script", "ttl", "tcp", "grpc")
_KNOWN: Final = frozenset({
    *KINDS, "http_method", "https_method", "interval", "timeout", "initial_status", "deregister_after",
    "grpc_use_tls", "tls_skip_verify",
})  # fmt: skip
_DURATION: Final = re.compile(r"[+]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_METHOD: Final = re.compile(r"[A-Za-z]+", re.ASCII)


@dataclass(frozen=True)
class Target:
    """What is checked."""

    address: str
    port: int
    container: str
    exposed: int


class BadCheckError(ValueError):
    """Consul would refuse the check, and the service with it. The message says why."""


def read_check(settings: Settings, target: Target) -> dict[str, Any] | None:
    """Consul's definition of the check that the settings ask for; None where they ask for none. Raises BadCheckError.

    The first kind of KINDS that has a value wins.
    """
    given = {key.removeprefix("check_"): value for key, value in settings.values.items() if key.startswith("check_")}
    kind = next((kind for kind in KINDS if given.get(kind)), None)
    if kind is None:
        return None
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
            raise BadCheckError(f"CHECK_INITIAL_STATUS is {status!r}, not passing, warning or critical")
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
    names = sorted(key.removeprefix("check_") for key in settings.values if key.startswith("check_"))
    return tuple(
        f"there is no setting CHECK_{name.upper()}"
        + (f"; is CHECK_{close[0].upper()} meant?" if (close := get_close_matches(name, sorted(_KNOWN), 1)) else "")
        for name in names
        if name not in _KNOWN
    )


def _by_kind(kind: str, given: Mapping[str, str], target: Target, where: str) -> dict[str, Any]:
    value = given[kind]
    match kind:
        case "http" | "https":
            check = {"HTTP": f"{kind}://{where}{value if value.startswith('/') else '/' + value}"}
            if method := given.get(f"{kind}_method"):
                if not _METHOD.fullmatch(method):
                    raise BadCheckError(f"CHECK_{kind.upper()}_METHOD is {method!r}, no HTTP method")
                check["Method"] = method
            return check
        case "cmd":
            return {"Args": ["check-cmd", target.container[:12], str(target.exposed), value]}
        case "script":
            script = value.replace("$SERVICE_IP", target.address).replace("$SERVICE_PORT", str(target.port))
            return {"Args": ["sh", "-c", script]}
        case "ttl":
            return {"TTL": _duration(given, "ttl")}
        case "tcp":
            return {"TCP": where}
        case _:
            check = {"GRPC": where}
            tls: dict[str, Any] = {"GRPCUseTLS": True} if given.get("grpc_use_tls") else {}
            if tls and given.get("tls_skip_verify"):
                tls["TLSSkipVerify"] = True
            return {**check, **tls}


def _duration(given: Mapping[str, str], name: str) -> str:
    """A duration as Go writes it (`10s`, `1m30s`); empty where it is not set."""
    value = given.get(name, "")
    if value and not (_DURATION.fullmatch(value) and re.search(r"[1-9]", value)):
        raise BadCheckError(f"CHECK_{name.upper()} is {value!r}, no duration like 10s or 1m30s")
    return value
