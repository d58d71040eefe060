"""What of a normalised compose file may reach `docker compose up`: what makes its client do nothing but talk to the engine.

A list of what is allowed, so that what a later compose can do is refused until somebody has read it. Read for this: docker/compose
2.26, 2.40 and 5.5 (pkg/compose) and compose-go 2.14. There the client opens or runs something for: `build`, `develop`,
`env_file`, `label_file`, `extends`, `include`, files of configs and secrets, `security_opt: seccomp=FILE` (create.go),
`credential_spec`, `use_api_socket` (apiSocket.go: the credentials of whoever deploys go into the container), `provider`
(plugins.go: any program of the machine), `models` (model.go: a plugin), and variables without a value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from deployer.compose.mounts import NO_CHECKOUT, USE_CONFIG
from deployer.compose.rules import Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.compose.rules import Path

SECTIONS: Final = ("services", "networks", "volumes", "configs", "secrets")
_SERVICE: Final = frozenset(
    {
        "annotations",
        "attach",
        "blkio_config",
        "cap_add",
        "cap_drop",
        "cgroup",
        "cgroup_parent",
        "command",
        "configs",
        "container_name",
        "cpu_count",
        "cpu_percent",
        "cpu_period",
        "cpu_quota",
        "cpu_rt_period",
        "cpu_rt_runtime",
        "cpu_shares",
        "cpus",
        "cpuset",
        "depends_on",
        "deploy",
        "device_cgroup_rules",
        "devices",
        "dns",
        "dns_opt",
        "dns_search",
        "domainname",
        "entrypoint",
        "environment",
        "expose",
        "external_links",
        "extra_hosts",
        "gpus",
        "group_add",
        "healthcheck",
        "hostname",
        "image",
        "init",
        "ipc",
        "isolation",
        "labels",
        "links",
        "logging",
        "mac_address",
        "mem_limit",
        "mem_reservation",
        "mem_swappiness",
        "memswap_limit",
        "network_mode",
        "networks",
        "oom_kill_disable",
        "oom_score_adj",
        "pid",
        "pids_limit",
        "platform",
        "ports",
        "post_start",
        "pre_stop",
        "privileged",
        "profiles",
        "pull_policy",
        "pull_refresh_after",
        "read_only",
        "restart",
        "runtime",
        "scale",
        "secrets",
        "security_opt",
        "shm_size",
        "stdin_open",
        "stop_grace_period",
        "stop_signal",
        "storage_opt",
        "sysctls",
        "tmpfs",
        "tty",
        "ulimits",
        "user",
        "userns_mode",
        "uts",
        "volumes",
        "volumes_from",
        "working_dir",
    }
)
_OBJECTS: Final = {
    "networks": frozenset(
        {
            "name",
            "driver",
            "driver_opts",
            "ipam",
            "external",
            "internal",
            "attachable",
            "enable_ipv4",
            "enable_ipv6",
            "labels",
        }
    ),
    "volumes": frozenset({"name", "driver", "driver_opts", "external", "labels"}),
    "configs": frozenset({"name", "external", "labels", "template_driver", "content", "environment", "file"}),
    "secrets": frozenset(
        {"name", "external", "labels", "template_driver", "driver", "driver_opts", "environment", "file"}
    ),
}
_REASONS: Final = {
    "build": (f"'build' is not done on a machine: {NO_CHECKOUT}", "give it an `image:` that a registry has"),
    "credential_spec": ("'credential_spec' is a file of the machine that deploys", "remove it"),
    "models": ("'models' are run by a program on the machine that deploys", "run the model in a service"),
    "provider": ("'provider' is a program on the machine that deploys", "give the service an `image:`"),
    "use_api_socket": (
        "'use_api_socket' gives the container the credentials of whoever deploys",
        "mount /var/run/docker.sock, if that is meant",
    ),
}
_SECURITY: Final = re.compile(
    r"no-new-privileges(?:[=:](?:true|false))?|apparmor[=:][^/]*|label[=:].*|seccomp[=:]unconfined|systempaths=unconfined"
)
_MOUNTS: Final = frozenset({"bind", "volume", "tmpfs", "image", "cluster"})
_NOTHING: Final[tuple[Any, ...]] = (None, False, "", 0, [], {})


def refusals(config: Mapping[str, Any]) -> Iterator[Note]:
    """Errors for what is not on the list."""
    for key, value in config.items():
        if key not in (*SECTIONS, "name") and not key.startswith("x-") and value not in _NOTHING:
            yield _refused((key,))
    for name, service in (config.get("services") or {}).items():
        yield from _service(service, ("services", name))
    for section, keys in _OBJECTS.items():
        for name, one in (config.get(section) or {}).items():
            for key, value in (one or {}).items():
                if key not in keys and not key.startswith("x-") and value not in _NOTHING:
                    yield _refused((section, name, key))
    for name, volume in (config.get("volumes") or {}).items():
        device = str(((volume or {}).get("driver_opts") or {}).get("device", ""))
        if device == "." or device.startswith("./"):
            at: Path = ("volumes", name, "driver_opts", "device")
            yield Note(at, f"{device} is a path of this repository: {NO_CHECKOUT}", USE_CONFIG, "error", key=False)


def allowed(service: Mapping[str, Any]) -> dict[str, Any]:
    """The service with what is on the list and nothing else."""
    return {key: value for key, value in service.items() if key in _SERVICE}


def without_value(service: Mapping[str, Any], at: Path) -> tuple[dict[str, Any], list[Note]]:
    """The service without variables that have no value: compose would take those of the environment that it runs in."""
    given = service.get("environment")
    absent = [name for name, value in given.items() if value is None] if isinstance(given, dict) else []
    notes = [
        Note(
            (*at, "environment", name),
            f"{name} has no value: the environment of whoever deploys is not read",
            f"write {name}=VALUE here, or set it in the stack's .env",
        )
        for name in absent
    ]
    if not absent or not isinstance(given, dict):
        return dict(service), notes
    return {**service, "environment": {name: value for name, value in given.items() if value is not None}}, notes


def _service(service: Mapping[str, Any], at: Path) -> Iterator[Note]:
    for key, value in service.items():
        if key not in _SERVICE and not key.startswith("x-") and value not in _NOTHING:
            yield _refused((*at, key))
    for index, option in enumerate(service.get("security_opt") or ()):
        if _SECURITY.fullmatch(str(option)) is None:
            here: Path = (*at, "security_opt", index)
            message = f"{str(option)[:60]!r} may be a file of the machine that deploys"
            help_ = (
                "seccomp=unconfined, apparmor=NAME, label=..., no-new-privileges and systempaths=unconfined are taken"
            )
            yield Note(here, message, help_, "error", key=False)
    for index, mount in enumerate(service.get("volumes") or ()):
        yield from _mount(mount, (*at, "volumes", index))
    for key in ("post_start", "pre_stop"):
        for index, hook in enumerate(service.get(key) or ()):
            if any(value is None for value in _values(hook.get("environment"))):
                message = "a variable of this hook has no value: the environment of whoever deploys is not read"
                yield Note((*at, key, index, "environment"), message, "write NAME=VALUE", "error", key=False)


def _mount(mount: Mapping[str, Any], at: Path) -> Iterator[Note]:
    kind, source = mount.get("type"), str(mount.get("source", ""))
    if kind not in _MOUNTS:
        yield Note(
            at, f"a mount of the type {kind!r} is not taken over", "use a bind mount or a volume", "error", key=False
        )
    elif kind == "bind" and not source.startswith("/"):
        yield Note(at, f"{source} is a path of this repository: {NO_CHECKOUT}", USE_CONFIG, "error", key=False)


def _values(given: Any) -> list[Any]:
    if isinstance(given, dict):
        return list(given.values())
    return [one if "=" in str(one) else None for one in given] if isinstance(given, list) else []


def _refused(at: Path) -> Note:
    key = str(at[-1])
    message, help_ = _REASONS.get(key, (f"{key!r} is not taken over with `mode: compose`", "remove it"))
    return Note(at, message, help_, "error")
