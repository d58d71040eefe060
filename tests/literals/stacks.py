"""Compiled stacks: bodies as `docker stack deploy` sends them."""

from typing import Any

from deployer.model.stack import Body, StackObjects


def make_service(name: str, replicas: int | None = None, image: str = "app:1", **sections: Any) -> dict[str, Any]:
    """The body of a service; `sections` replace top-level keys."""
    return {
        "Name": name,
        "Labels": {"com.docker.stack.namespace": name.partition("_")[0]},
        "TaskTemplate": {"ContainerSpec": {"Image": image}},
        "Mode": {"Replicated": {} if replicas is None else {"Replicas": replicas}},
        "EndpointSpec": {},
        **sections,
    }


def with_container(body: Body, **changes: Any) -> dict[str, Any]:
    template = body["TaskTemplate"]
    return {**body, "TaskTemplate": {**template, "ContainerSpec": {**template["ContainerSpec"], **changes}}}


def with_template(body: Body, **changes: Any) -> dict[str, Any]:
    return {**body, "TaskTemplate": {**body["TaskTemplate"], **changes}}


def with_networks(body: Body, *targets: str) -> dict[str, Any]:
    """The service on these networks, by name or by id."""
    return with_template(body, Networks=[{"Target": target} for target in targets])


def with_constraints(body: Body, *constraints: str) -> dict[str, Any]:
    return with_template(body, Placement={"Constraints": list(constraints)})


def make_network(name: str, **options: Any) -> dict[str, Any]:
    return {"Name": name, "Driver": "overlay", "Labels": {"com.docker.stack.namespace": name}, **options}


def make_content(name: str) -> dict[str, Any]:
    """The body of a config or a secret."""
    return {"Name": name, "Data": "aGk=", "Labels": {}}


def make_stack(name: str, *services: Body, **parts: Any) -> StackObjects:
    """A compiled stack; `parts` are its other fields."""
    sections: dict[str, Any] = {"networks": (), "configs": (), "secrets": (), **parts}
    return StackObjects(stack=name, services=services, **sections)
