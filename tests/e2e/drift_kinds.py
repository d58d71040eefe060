"""What people change on services by hand, how, and the fields that it shows as. docs/stacks.md has this very table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONTAINER: Final = "TaskTemplate.ContainerSpec"


@dataclass(frozen=True)
class Kind:
    """`flags` of `docker service update`; `paths` are the fields that it shows as."""

    name: str
    flags: str
    paths: tuple[str, ...]


def kind(name: str, flags: str, *paths: str) -> Kind:
    return Kind(name, flags, paths)


KINDS: Final = (
    kind("count", "--replicas 1", "Mode.Replicated.Replicas"),
    kind("image", "--image redis:6 --no-resolve-image", f"{CONTAINER}.Image"),
    kind("command", "--args '--save 60'", f"{CONTAINER}.Args"),
    kind("entrypoint", "--entrypoint /bin/sh", f"{CONTAINER}.Command"),
    kind("variable changed", "--env-add MODE=b", f"{CONTAINER}.Env.MODE"),
    kind("variable added", "--env-add EXTRA=1", f"{CONTAINER}.Env.EXTRA"),
    kind("variable removed", "--env-rm MODE", f"{CONTAINER}.Env.MODE"),
    kind("label of the service", "--label-add owner=me", "Labels.owner"),
    kind("label of the containers", "--container-label-add tier=front", f"{CONTAINER}.Labels.tier"),
    kind("user", "--user 1000", f"{CONTAINER}.User"),
    kind("working directory", "--workdir /tmp", f"{CONTAINER}.Dir"),
    kind("host name", "--hostname other", f"{CONTAINER}.Hostname"),
    kind("mount added", "--mount-add type=volume,source=extra,target=/extra", f"{CONTAINER}.Mounts[/extra]"),
    kind("mount removed", "--mount-rm /data", f"{CONTAINER}.Mounts[/data]"),
    kind("constraint", "--constraint-add node.role==manager", "TaskTemplate.Placement.Constraints"),
    kind("placement preference", "--placement-pref-add spread=node.labels.zone", "TaskTemplate.Placement.Preferences"),
    kind("tasks a machine", "--replicas-max-per-node 3", "TaskTemplate.Placement.MaxReplicas"),
    kind("memory limit", "--limit-memory 128M", "TaskTemplate.Resources.Limits.MemoryBytes"),
    kind("processor limit", "--limit-cpu 0.5", "TaskTemplate.Resources.Limits.NanoCPUs"),
    kind("process limit", "--limit-pids 99", "TaskTemplate.Resources.Limits.Pids"),
    kind("reservation", "--reserve-memory 16M", "TaskTemplate.Resources.Reservations.MemoryBytes"),
    kind("port added", "--publish-add mode=host,target=7000,published=17000", "EndpointSpec.Ports[7000/tcp]"),
    kind("port removed", "--publish-rm mode=host,target=6379,published=16379", "EndpointSpec.Ports[6379/tcp]"),
    kind("endpoint mode", "--endpoint-mode vip", "EndpointSpec.Mode"),
    kind("network added", "--network-add by-hand", "TaskTemplate.Networks[by-hand]"),
    kind("network removed", "--network-rm s_extra", "TaskTemplate.Networks[s_extra]"),
    kind("config added", "--config-add source=by-hand,target=/etc/more", f"{CONTAINER}.Configs[/etc/more]"),
    kind("secret added", "--secret-add source=by-hand,target=more", f"{CONTAINER}.Secrets[more]"),
    kind("health check", "--health-cmd true", f"{CONTAINER}.Healthcheck.Test"),
    kind("health check interval", "--health-interval 9s", f"{CONTAINER}.Healthcheck.Interval"),
    kind("stop grace period", "--stop-grace-period 9s", f"{CONTAINER}.StopGracePeriod"),
    kind("stop signal", "--stop-signal SIGINT", f"{CONTAINER}.StopSignal"),
    kind("restart policy", "--restart-condition on-failure", "TaskTemplate.RestartPolicy.Condition"),
    kind("restart attempts", "--restart-max-attempts 2", "TaskTemplate.RestartPolicy.MaxAttempts"),
    kind("update settings", "--update-parallelism 4 --update-order start-first", "UpdateConfig.Order", "UpdateConfig.Parallelism"),
    kind("rollback settings", "--rollback-failure-action continue", "RollbackConfig.FailureAction"),
    kind("name server", "--dns-add 9.9.9.9", f"{CONTAINER}.DNSConfig.Nameservers"),
    kind("host entry", "--host-add db:10.0.0.9", f"{CONTAINER}.Hosts"),
    kind("capability added", "--cap-add NET_ADMIN", f"{CONTAINER}.CapabilityAdd"),
    kind("capability dropped", "--cap-drop MKNOD", f"{CONTAINER}.CapabilityDrop"),
    kind("sysctl", "--sysctl-add net.core.somaxconn=512", f"{CONTAINER}.Sysctls.net.core.somaxconn"),
    kind("ulimit", "--ulimit-add nofile=100:200", f"{CONTAINER}.Ulimits[nofile]"),
    kind("init", "--init", f"{CONTAINER}.Init"),
    kind("read-only file system", "--read-only", f"{CONTAINER}.ReadOnly"),
    kind("terminal", "--tty", f"{CONTAINER}.TTY"),
    kind("group", "--group-add 2000", f"{CONTAINER}.Groups"),
    kind("log driver", "--log-driver none", "TaskTemplate.LogDriver.Name"),
    kind("log option", "--log-driver json-file --log-opt max-size=1m", "TaskTemplate.LogDriver.Options.max-size"),
)  # fmt: skip


def slug(number: int) -> str:
    return f"k{number:02}"


def compose() -> str:
    """A stack with a service for each kind, all alike, of which none runs."""
    services = "".join(f"  {slug(number)}: *base\n" for number in range(len(KINDS)))
    return f"{BASE}services:\n{services}"


BASE: Final = """\
x-base: &base
  image: redis:7
  command: [redis-server]
  environment: {MODE: a, OTHER: x}
  labels: {tier: back}
  hostname: one
  volumes: [data:/data]
  networks: [default, extra]
  ports: [{target: 6379, published: 16379, mode: host}]
  healthcheck: {test: [CMD, redis-cli, ping], interval: 1s}
  logging: {driver: json-file}
  deploy:
    endpoint_mode: dnsrr
    replicas: 0
    labels: {team: a}
    placement: {constraints: [node.role != none]}
    resources: {limits: {memory: 64M}}
    restart_policy: {condition: any}
    update_config: {parallelism: 1}
    rollback_config: {parallelism: 1}
networks:
  default:
  extra:
volumes:
  data:
"""


def table() -> list[str]:
    """The rows as the documentation has them."""
    rows = [(one.name, f"`{one.flags}`", ", ".join(f"`{path}`" for path in one.paths)) for one in KINDS]
    return [
        "| what | `docker service update` | shown as |",
        "|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
