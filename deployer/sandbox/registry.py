"""The registry that the machines use as Docker Hub's mirror: started, and stocked with what no real one gives."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING, Any

from deployer.errors import DeployerError
from deployer.sandbox import bodies, build
from deployer.sandbox.labels import REGISTRY_PORT, container_name
from deployer.sandbox.spec import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from docker import DockerClient

START_SECONDS = 30.0


def ensure_registry(client: DockerClient, sandbox: str, address: str, present: list[dict[str, Any]], image: str) -> int:
    """Start the registry; returns its port on 127.0.0.1."""
    name = container_name(sandbox, REGISTRY)
    container = next((entry["Id"] for entry in present if f"/{name}" in entry["Names"]), None)
    if container is None:
        container = client.api.create_container_from_config(bodies.registry(sandbox, address, image), name=name)["Id"]
    client.api.start(container)
    bound = client.api.inspect_container(container)["NetworkSettings"]["Ports"][f"{REGISTRY_PORT}/tcp"]
    port = int(bound[0]["HostPort"])
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if time.monotonic() > deadline:
            last = client.api.logs(container, tail=10).decode(errors="replace")
            raise DeployerError(f"the registry did not answer within {START_SECONDS:g} s", help=last)
        time.sleep(0.1)
    return port


def stock(client: DockerClient, port: int, references: Mapping[build.StandIn, str], say: Callable[[str], None]) -> None:
    """Push each stand-in's image under its names; one whose last tag, the content hash, is there has been pushed before."""
    for stand_in, reference in references.items():
        mark = reference.rpartition(":")[2]
        if _has(port, stand_in.repository, mark):
            continue
        say(f"registry: stocking {stand_in.repository}:{stand_in.tags[0]}")
        repository = f"127.0.0.1:{port}/{stand_in.repository}"
        for tag in (*stand_in.tags, mark):
            client.api.tag(reference, repository, tag)
            try:
                _push(client, repository, tag)
            finally:
                client.api.remove_image(f"{repository}:{tag}", noprune=True)


def _push(client: DockerClient, repository: str, tag: str) -> None:
    for event in client.api.push(repository, tag=tag, stream=True, decode=True):
        if "error" in event:
            raise DeployerError(f"the registry did not take {repository}:{tag}", help=event["error"])


def _request(method: str, port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"})
        return connection.getresponse().status
    finally:
        connection.close()


def _answers(port: int) -> bool:
    try:
        return _request("GET", port, "/v2/") == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False


def _has(port: int, repository: str, tag: str) -> bool:
    return _request("HEAD", port, f"/v2/{repository}/manifests/{tag}") == http.HTTPStatus.OK
