"""A service as `docker compose config` prints it -> one that `docker stack deploy` takes: a table of small rules.

Sources: the schema config_schema_v3.13.json inside the docker CLI (3.12 in 26.1), and its converter
(docker/cli, cli/compose/convert/service.go), which ignores silently what it cannot convert.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from deployer.compose import mounts, ports
from deployer.compose.rules import Note, Put, Rule, ignored, keep, refused, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.compose.rules import Path

_HOST: Final = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PART: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
IMAGE: Final = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{{32,}})?"
)
"""The grammar of github.com/distribution/reference."""

_ARCHITECTURES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
"""What `uname -m` calls them, and `node.platform.arch` with it."""
_RESTART: Final = {"no": "none", "always": "any", "unless-stopped": "any", "on-failure": "on-failure"}
_PREDEFINED: Final = frozenset({"host", "none"})
_ATTACHMENT: Final = frozenset({"aliases", "driver_opts"})


def _image(value: str, at: Path) -> Iterator[Put | Note]:
    yield Put(("image",), value)
    if IMAGE.fullmatch(value) is None:
        yield Note(
            at,
            f"{value!r} is no image name",
            "write [HOST[:PORT]/]NAME[:TAG][@DIGEST], in lower case",
            "error",
            key=False,
        )


def _deploy(value: Mapping[str, Any], at: Path) -> Iterator[Put | Note]:
    kept = {key: one for key, one in value.items() if key != "resources" and not key.startswith("x-")}
    if kept.get("replicas", 0) < 0:
        yield Note((*at, "replicas"), "a count cannot be negative", severity="error", key=False)
    yield Put(("deploy",), kept)
    for part, amounts in (value.get("resources") or {}).items():
        for name, amount in (amounts or {}).items():
            if name == "devices":
                yield Note((*at, "resources", part, name), "'devices' is ignored: docker stacks do not know it")
            elif amount is not None:
                yield Put(("deploy", "resources", part, name), _text(amount) if name in {"cpus", "memory"} else amount)


def _resource(part: str, name: str) -> Rule:
    def rule(value: Any, _at: Path) -> Iterator[Put | Note]:
        if value not in (0, "0", -1):  # which mean: no limit
            yield Put(("deploy", "resources", part, name), value if name == "pids" else _text(value), "weak")

    return rule


def _scale(value: int, _at: Path) -> Iterator[Put | Note]:
    yield Put(("deploy", "replicas"), value, "weak")


def _restart(value: str, _at: Path) -> Iterator[Put | Note]:
    word, _, attempts = value.partition(":")
    policy: dict[str, Any] = {"condition": _RESTART.get(word, "any")}
    if attempts.isdecimal():
        policy["max_attempts"] = int(attempts)
    yield Put(("deploy", "restart_policy"), policy, "weak")


def _platform(value: str, at: Path) -> Iterator[Put | Note]:
    system, _, architecture = value.partition("/")
    machine = _ARCHITECTURES.get(architecture.partition("/")[0])
    if machine is None:
        yield Note(at, f"the platform {value!r} is ignored", "say it as a placement constraint on node.platform.arch")
        return
    yield Put(("deploy", "placement", "constraints"), f"node.platform.os=={system}", "append")
    yield Put(("deploy", "placement", "constraints"), f"node.platform.arch=={machine}", "append")


def _environment(value: Mapping[str, Any], at: Path) -> Iterator[Put | Note]:
    for name, one in value.items():
        if one is None:
            message = f"{name} has no value: the environment of whoever deploys is not read"
            yield Note((*at, name), message, f"write {name}=VALUE here, or set it in the stack's .env")
    yield Put(("environment",), {name: _text(one) for name, one in value.items() if one is not None})


def _extra_hosts(value: list[str], at: Path) -> Iterator[Put | Note]:
    hosts = []
    for index, entry in enumerate(value):
        name, address = re.split("[=:]", entry, maxsplit=1)
        if address == "host-gateway":
            yield Note((*at, index), "host-gateway is ignored: Swarm services have nothing like it", key=False)
        else:
            hosts.append(f"{name}:{address}")
    yield Put(("extra_hosts",), hosts)


def _files(value: list[dict[str, Any]], at: Path) -> Iterator[Put | Note]:
    """Configs or secrets of a service: the mode is a number, which newer compose plugins print in octal."""
    kept = []
    for one in value:
        mode = one.get("mode")
        kept.append({**one, "mode": int(mode, 8) if isinstance(mode, str) else mode})
    yield Put((str(at[-1]),), kept)


def _network_mode(value: str, at: Path) -> Iterator[Put | Note]:
    if value in _PREDEFINED:
        yield Put(("networks",), {value: {}})
    elif value not in {"bridge", "default"}:
        yield from ignored()(value, at)


def _networks(attributes: frozenset[str]) -> Rule:
    def rule(value: Mapping[str, Any], at: Path) -> Iterator[Put | Note]:
        for name, attachment in value.items():
            given = attachment or {}
            for attribute in sorted(given.keys() - attributes):
                yield from ignored()(given[attribute], (*at, name, attribute))
            yield Put(("networks", name), {key: one for key, one in given.items() if key in attributes})

    return rule


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


_KEPT: Final = [
    "cap_add",
    "cap_drop",
    "command",
    "credential_spec",
    "dns",
    "dns_search",
    "entrypoint",
    "healthcheck",
    "hostname",
    "init",
    "isolation",
    "labels",
    "logging",
    "read_only",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "sysctls",
    "tty",
    "ulimits",
    "user",
    "working_dir",
]
_SILENT: Final = ["attach", "depends_on", "develop", "env_file", "expose", "extends", "label_file", "profiles"]
_IGNORED: Final = [
    "annotations",
    "blkio_config",
    "cgroup",
    "cgroup_parent",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpuset",
    "device_cgroup_rules",
    "devices",
    "dns_opt",
    "domainname",
    "external_links",
    "gpus",
    "group_add",
    "ipc",
    "mac_address",
    "mem_swappiness",
    "memswap_limit",
    "models",
    "oom_kill_disable",
    "pid",
    "post_start",
    "pre_start",
    "pre_stop",
    "privileged",
    "pull_policy",
    "pull_refresh_after",
    "runtime",
    "security_opt",
    "storage_opt",
    "use_api_socket",
    "userns_mode",
    "uts",
]

RULES: Final[Mapping[str, Rule]] = {
    "image": _image,
    "deploy": _deploy,  # before what adds to it
    **dict.fromkeys(_KEPT, keep),
    **dict.fromkeys(_SILENT, silent),
    **{name: ignored() for name in _IGNORED},
    "configs": _files,
    "container_name": ignored("Swarm names containers itself; other services reach it by the service's name"),
    "cpus": _resource("limits", "cpus"),
    "environment": _environment,
    "extra_hosts": _extra_hosts,
    "links": ignored("services of a stack find each other by name without it"),
    "mem_limit": _resource("limits", "memory"),
    "mem_reservation": _resource("reservations", "memory"),
    "network_mode": _network_mode,
    "networks": _networks(_ATTACHMENT),
    "oom_score_adj": keep,
    "pids_limit": _resource("limits", "pids"),
    "platform": _platform,
    "ports": ports.published,
    "provider": refused("a service without an image cannot run in Swarm", "run it by compose, or give it an image"),
    "restart": _restart,
    "scale": _scale,
    "secrets": _files,
    "shm_size": ignored("mount a tmpfs at /dev/shm instead"),
    "volumes": mounts.mounted,
    "tmpfs": mounts.temporary,  # after volumes: it adds to them
    "volumes_from": refused("Swarm services cannot take the volumes of another", "name the volumes in both services"),
}
"""Every key of a service that compose knows (compose-spec.json of compose 5.5), and what becomes of it."""

PLAIN_RULES: Final[Mapping[str, Rule]] = {
    **RULES,
    "networks": _networks(frozenset({"aliases"})),
    "oom_score_adj": ignored("a newer docker CLI knows it"),
}
"""For a docker CLI that refuses what the newest one takes (26.1 does)."""
