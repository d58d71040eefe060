"""The files under `cluster/`, typed: what a cluster and its machines are to be.

The structs *are* the file formats (docs/reference.md): msgspec validates them, and
`deployer schema` derives the JSON Schemas from them; each field's description is what editors show. Unknown keys are errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from deployer.model.allowed import EVERYTHING, Allowed
from deployer.model.patterns import ADDRESS_PATTERN, IMAGE_PATTERN, INTERFACE_PATTERN, NAME_PATTERN, USER_PATTERN
from deployer.model.registrator import Registrator

if TYPE_CHECKING:
    from deployer.model.secret import Secret

Role = Literal["manager", "worker", "none"]
Availability = Literal["active", "pause", "drain"]
Install = Literal["distro", "docker", "none"]
ConsulRole = Literal["server", "agent"]


class Ssh(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How machines are reached. What is not said here comes from ~/.ssh/config, as with `ssh HOST`."""

    user: (
        Annotated[str, Meta(pattern=USER_PATTERN, description="User to log in as; one who may use sudo is enough.")]
        | None
    ) = None
    port: Annotated[int, Meta(ge=1, le=65535, description="Port of the SSH server.")] | None = None
    identity_file: (
        Annotated[str, Meta(min_length=1, description="Private key file; ~ is your home directory.")] | None
    ) = None
    connect_timeout: Annotated[float, Meta(gt=0, le=120, description="Seconds until a machine is unreachable.")] = 5.0
    client: Annotated[
        Literal["asyncssh", "openssh"],
        Meta(
            description="asyncssh: quick, reads most of ~/.ssh/config; openssh: the `ssh` program itself, for hardware keys, "
            "`Match exec`, and whatever else only that knows."
        ),
    ] = "asyncssh"
    sudo: Annotated[
        Literal["nopasswd", "password"],
        Meta(
            description="What sudo wants of a user who is not root. password: from DEPLOYER_SUDO_PASSWORD_FILE, "
            "DEPLOYER_SUDO_PASSWORD_COMMAND, or the terminal, once a run; never from git."
        ),
    ] = "nopasswd"


class Engine(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The Docker engine of the machines."""

    install: Annotated[
        Install,
        Meta(description="distro: the distribution's package; docker: Docker's own repository; none: it is there."),
    ] = "distro"
    daemon: Annotated[
        dict[str, Any],
        Meta(
            description="Merged into /etc/docker/daemon.json, never written over it. A machine's own settings are merged "
            "into the cluster's key by key; null takes one of the cluster's away."
        ),
    ] = field(default_factory=dict)
    tls: Annotated[
        bool,
        Meta(
            description="The engine listens at TCP port 2376 too, for clients with a certificate of the cluster's own "
            "authority. deployer itself goes by SSH all the same."
        ),
    ] = False


class Consul(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The catalogue of machines and services."""

    image: Annotated[str, Meta(pattern=IMAGE_PATTERN, description="The image of servers and agents.")] = (
        "hashicorp/consul:1.20"
    )
    datacenter: Annotated[str, Meta(pattern=NAME_PATTERN, description="Consul's name for the place.")] = "dc1"
    token_file: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description="File on the machine that runs deployer, with a UUID: who does not send it may not do anything.",
            ),
        ]
        | None
    ) = None
    gossip_key_file: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description="File on the machine that runs deployer, with the key that `consul keygen` prints: servers and "
                "agents speak to each other encrypted.",
            ),
        ]
        | None
    ) = None


class Policy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What deployer does on its own, and what it only tells of."""

    drift: Annotated[
        Literal["correct", "report"],
        Meta(description="What somebody changed by hand on a service is set back, or shown and left as it is."),
    ] = "correct"
    prune: Annotated[
        bool, Meta(description="Remove what git does not have any more: services, networks, configs, stacks, machines.")
    ] = True
    max_removals: Annotated[
        int, Meta(ge=0, le=10000, description="More at once need --allow-delete with the name of each.")
    ] = 3
    strict: Annotated[bool, Meta(description="What would be a warning is an error: nothing of a file is ignored.")] = (
        False
    )
    privileged: Annotated[
        Literal["warn", "deny", "allow"],
        Meta(
            description="Services that could take over their machine: the engine's socket, the machine's own folders, "
            "SYS_ADMIN."
        ),
    ] = "warn"


DEFAULT_POLICY: Final = Policy()


class Images(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How an image's tag becomes the digest that runs."""

    resolve: Annotated[
        Literal["changed", "always", "never"],
        Meta(
            description="changed: the registry is asked when git names another image; always: by every plan, so that a tag "
            "that was moved is a change; never: images run as they are written."
        ),
    ] = "changed"


DEFAULT_IMAGES: Final = Images()


class Proxy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The service that is to reach every service with a VIRTUAL_HOST: it is joined to their networks."""

    stack: Annotated[str, Meta(pattern=NAME_PATTERN, description="The stack that it is in.")]
    service: Annotated[str, Meta(min_length=1, max_length=63, description="Its name in the compose file.")]

    @property
    def name(self) -> str:
        """The service's full name."""
        return f"{self.stack}_{self.service}"


class ClusterFile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """cluster/cluster.yaml: the cluster's name, and defaults for its machines."""

    name: Annotated[str, Meta(pattern=NAME_PATTERN, description="Written on everything that deployer makes.")]
    ssh: Ssh = field(default_factory=Ssh)
    engine: Engine = field(default_factory=Engine)
    consul: Consul | None = None
    registrator: Registrator | None = None
    policy: Policy = field(default_factory=Policy)
    images: Images = field(default_factory=Images)
    proxy: Proxy | None = None


class NodeFile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """cluster/nodes/NAME.yaml: one machine; the file's name is the machine's name."""

    address: Annotated[
        str, Meta(pattern=ADDRESS_PATTERN, description="Where SSH reaches it, or `local`: the engine of this machine.")
    ]
    swarm: Annotated[Role, Meta(description="manager, worker, or none: not part of the swarm.")] = "worker"
    # The constraints stand inside the union: msgspec takes none on `str | None`.
    advertise: (
        Annotated[
            str,
            Meta(
                pattern=INTERFACE_PATTERN, description="The interface or address at which the other machines reach it."
            ),
        ]
        | None
    ) = None
    labels: Annotated[dict[str, str], Meta(description="Swarm node labels, for placement constraints.")] = field(
        default_factory=dict
    )
    availability: Annotated[Availability, Meta(description="pause: no new tasks; drain: no tasks at all.")] = "active"
    consul: Annotated[
        ConsulRole | None,
        Meta(
            description="server: run one of Consul's servers here (1, 3 or 5 machines); agent: run a client agent, which "
            "registers the machine and its services itself."
        ),
    ] = None
    ssh: Annotated[Ssh | None, Meta(description="What differs from the cluster's ssh section.")] = None
    engine: Annotated[Engine | None, Meta(description="What differs from the cluster's engine section.")] = None


@dataclass(frozen=True)
class Node:
    """One machine as it is to be: its own file over the cluster's defaults."""

    name: str
    address: str
    role: Role
    advertise: str | None
    labels: tuple[tuple[str, str], ...]
    availability: Availability
    consul: ConsulRole | None
    ssh: Ssh
    engine: Engine
    path: str
    """The file that defines it, relative to the repository's root: what messages name."""

    @property
    def consul_server(self) -> bool:
        return self.consul == "server"

    @property
    def local(self) -> bool:
        return self.address == "local"

    @property
    def tls(self) -> bool:
        """Whether its engine is to listen for TLS; whoever is on the machine itself has no need of it."""
        return self.engine.tls and not self.local


@dataclass(frozen=True)
class ConsulSecrets:
    """What the consul section's files hold; empty until they are read, which validation does without."""

    token: Secret | None = None
    gossip_key: Secret | None = None
    digest: str = ""
    """Of both: another digest means other secrets. A slow hash with the cluster's name, so that it gives nothing away."""


@dataclass(frozen=True)
class Cluster:
    """Everything under `cluster/` at one commit."""

    name: str
    nodes: tuple[Node, ...]
    """Sorted by name."""
    consul: Consul | None
    known_hosts: str
    """The text of cluster/known_hosts; empty where there is none."""
    registrator: Registrator | None = None
    registrator_image: str = ""
    """The image that runs: the section's, or the name that ours has for its content; empty without the section."""
    secrets: ConsulSecrets = ConsulSecrets()
    policy: Policy = DEFAULT_POLICY
    images: Images = DEFAULT_IMAGES
    proxy: Proxy | None = None
    allowed: Allowed = EVERYTHING
    """What its files may name on the machine that deploys: checked where they are read, and kept to where it is used."""
    authorities: tuple[str, ...] = ()
    """Fingerprints of those whose certificates this user believes, the present one first; empty until they are read."""

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)
