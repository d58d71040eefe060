"""The `registrator:` section of cluster/cluster.yaml, and the flags that it comes to."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from deployer.model.patterns import IMAGE_PATTERN


class Registrator(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The program that puts every container and task into Consul; what is not said has the program's own default."""

    image: (
        Annotated[str, Meta(pattern=IMAGE_PATTERN, description="Another image, such as a fork of the old registrator.")]
        | None
    ) = None
    base: Annotated[
        str, Meta(pattern=IMAGE_PATTERN, description="What our own image is built on: it has Python 3.11.")
    ] = "python:3.12-slim"
    internal: Annotated[bool, Meta(description="Containers' own addresses and ports instead of published ones.")] = (
        False
    )
    explicit: Annotated[bool, Meta(description="Only what has a SERVICE_NAME.")] = False
    cleanup: Annotated[bool, Meta(description="Remove what an older registrator left behind on the host.")] = False
    swarm: Annotated[bool, Meta(description="Register what Swarm publishes through its routing mesh, too.")] = True
    resync: Annotated[int, Meta(ge=0, le=86400, description="Seconds between two looks at everything; 0: never.")] = 0
    deregister: Annotated[
        Literal["always", "on-success", "never"], Meta(description="Whether what has ended is taken out.")
    ] = "always"
    health: Annotated[
        Literal["check", "register", "ignore"],
        Meta(description="Docker's HEALTHCHECK: a check in Consul, a condition for being there, or nothing."),
    ] = "check"
    tags: Annotated[
        str, Meta(max_length=1000, description="Tags for all services, comma-separated; may be a Go template.")
    ] = ""
    network: Annotated[str, Meta(description="The network whose addresses `internal` takes.")] = ""
    use_ip_from_label: Annotated[str, Meta(description="The label that holds a container's address.")] = ""
    ttl: Annotated[
        int, Meta(ge=0, le=86400, description="Seconds until a registration expires; needs ttl_refresh.")
    ] = 0
    ttl_refresh: Annotated[int, Meta(ge=0, le=86400, description="Seconds between two refreshes; less than ttl.")] = 0

    @property
    def flags(self) -> tuple[str, ...]:
        """The section as flags of the old registrator's command line; what has its default is not said."""
        switches = {"internal": self.internal, "explicit": self.explicit, "cleanup": self.cleanup}
        numbers = {"resync": self.resync, "ttl": self.ttl, "ttl-refresh": self.ttl_refresh}
        texts = {"tags": self.tags, "network": self.network, "useIpFromLabel": self.use_ip_from_label}
        chosen = {"deregister": (self.deregister, "always"), "health": (self.health, "check")}
        return (
            *(f"-{flag}" for flag, on in switches.items() if on),
            *(() if self.swarm else ("-swarm=false",)),
            *(f"-{flag}={number}" for flag, number in numbers.items() if number),
            *(f"-{flag}={word}" for flag, (word, default) in chosen.items() if word != default),
            *(f"-{flag}={text}" for flag, text in texts.items() if text),
        )
