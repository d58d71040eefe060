"""A service's definition, as the engine's API has it, with typed names for what is inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE: Final = "TaskTemplate"
"""The section that says what a service's tasks are made of."""
CONTAINER: Final = f"{TEMPLATE}.ContainerSpec"
"""The path of the section that says what a task's container is made of."""

Section = dict[str, Any]
Published = tuple[int, str, str]
"""(port, protocol, mode)"""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A view of the body of `services/create`, or of a live service's `Spec`.

    `raw` is that mapping, byte for byte: nothing is filled in, and nothing is dropped. What it lacks reads as empty. Each `with_...`
    gives another spec, and leaves this one and its mapping as they are.
    """

    raw: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.raw["Name"])

    @property
    def service_labels(self) -> dict[str, str]:
        """Labels of the service itself; its containers do not have them."""
        found: dict[str, str] = self.raw.get("Labels") or {}
        return found

    @property
    def template(self) -> Section:
        """What its tasks are made of."""
        found: Section = self.raw.get(TEMPLATE) or {}  # written out: thousands of services pass here in every plan
        return found

    @property
    def container(self) -> Section:
        """What its tasks' containers are made of."""
        found: Section = (self.raw.get(TEMPLATE) or {}).get("ContainerSpec") or {}
        return found

    @property
    def image(self) -> str:
        return str(self.container.get("Image") or "")

    @property
    def mode(self) -> str:
        """Replicated, Global, ReplicatedJob or GlobalJob; Replicated is the engine's default."""
        modes = _section(self.raw, "Mode")
        return next((mode for mode in sorted(modes) if modes[mode] is not None), "Replicated")

    @property
    def job(self) -> bool:
        return self.mode in {"ReplicatedJob", "GlobalJob"}

    @property
    def count(self) -> int | None:
        """How many tasks are to run at a time; None where there is one on each machine. The engine's default is 1."""
        key = {"Replicated": "Replicas", "ReplicatedJob": "MaxConcurrent"}.get(self.mode)
        if key is None:
            return None
        count = _section(_section(self.raw, "Mode"), self.mode).get(key)
        return 1 if count is None else int(count)

    @property
    def networks(self) -> list[str]:
        """Names of its networks; their ids in a live spec."""
        return [str(network["Target"]) for network in self.template.get("Networks") or ()]

    @property
    def attachments(self) -> list[Section]:
        """Its networks, each with aliases and options."""
        return list(self.template.get("Networks") or ())

    @property
    def mounts(self) -> list[Section]:
        return list(self.container.get("Mounts") or ())

    @property
    def ports(self) -> list[Section]:
        return list(_section(self.raw, "EndpointSpec").get("Ports") or ())

    @property
    def published(self) -> tuple[Published, ...]:
        """Each port that has a number of its own."""
        return tuple(
            (int(port["PublishedPort"]), str(port.get("Protocol") or "tcp"), str(port.get("PublishMode") or "ingress"))
            for port in self.ports
            if port.get("PublishedPort")
        )

    @property
    def env(self) -> list[Any]:
        """`NAME=value`, each a text or a `Secret`."""
        return list(self.container.get("Env") or ())

    @property
    def labels(self) -> dict[str, str]:
        """Labels of its containers."""
        return _section(self.container, "Labels")

    @property
    def placement(self) -> Section:
        return _section(self.template, "Placement")

    @property
    def constraints(self) -> list[str]:
        return [str(one) for one in self.placement.get("Constraints") or ()]

    @property
    def most_on_a_machine(self) -> int:
        """How many of its tasks one machine takes; 0 where there is no limit."""
        return int(self.placement.get("MaxReplicas") or 0)

    @property
    def configs(self) -> list[Section]:
        """References to its configs, by `ConfigName`."""
        return list(self.container.get("Configs") or ())

    @property
    def secrets(self) -> list[Section]:
        """References to its secrets, by `SecretName`."""
        return list(self.container.get("Secrets") or ())

    @property
    def healthcheck(self) -> Section:
        return _section(self.container, "Healthcheck")

    @property
    def restart(self) -> Section:
        """Its restart policy."""
        return _section(self.template, "RestartPolicy")

    @property
    def update(self) -> Section | None:
        """How it is updated; None where that is left to the engine."""
        found: Section | None = self.raw.get("UpdateConfig")
        return found

    @property
    def forced(self) -> int:
        """How often `docker service update --force` was run on it."""
        return int(self.template.get("ForceUpdate") or 0)

    @property
    def finite(self) -> bool:
        """Whether its tasks may end and stay ended: a job, or a service that is not restarted after success."""
        return self.job or self.restart.get("Condition") in {"none", "on-failure"}

    def with_image(self, image: str) -> ServiceSpec:
        return self.with_container({**self.container, "Image": image})

    def with_count(self, count: int) -> ServiceSpec:
        """Replicated, so often."""
        return ServiceSpec({**self.raw, "Mode": {"Replicated": {"Replicas": count}}})

    def with_labels(self, labels: Mapping[str, str]) -> ServiceSpec:
        """With these labels of the service, and no others."""
        return ServiceSpec({**self.raw, "Labels": dict(labels)})

    def with_template(self, template: Mapping[str, Any]) -> ServiceSpec:
        """With tasks that are made of this."""
        return ServiceSpec({**self.raw, TEMPLATE: dict(template)})

    def with_container(self, container: Mapping[str, Any]) -> ServiceSpec:
        """With containers that are made of this."""
        return self.with_template({**self.template, "ContainerSpec": dict(container)})


def _section(above: Mapping[str, Any], key: str) -> Section:
    found: Section = above.get(key) or {}
    return found
