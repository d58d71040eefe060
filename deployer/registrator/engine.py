"""The engine of this machine, by docker-py: events, inspect, and on a manager the swarm."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import requests
from docker.api import APIClient
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env, version_lt

from deployer.registrator.events import FILTERS

if TYPE_CHECKING:
    from collections.abc import Iterator

NEWEST: Final = "1.51"
"""The newest API that this was tried with. An engine is spoken to in the older of its own and this, never in a fixed one."""
OLD_SOCKET: Final = "/tmp/docker.sock"  # noqa: S108 - where the old image's users mount it
SOCKET: Final = "/var/run/docker.sock"
SECONDS: Final = 30


class EngineError(Exception):
    """The engine did not answer, or refused."""


class Engine:
    """One engine. Every method raises EngineError; all but `events` may be called from several threads."""

    def __init__(self, parallel: int) -> None:
        with _errors():
            self._api = _client(parallel)

    def info(self) -> dict[str, Any]:
        with _errors():
            return dict(self._api.info())

    def events(self, since: float) -> Any:
        """The events from `since` (seconds since 1970) on, as they come; `close()` on it ends it from another thread.

        The engine answers before it listens (moby, getEvents): `since` closes that gap.
        """
        with _errors():
            return self._api.events(since=f"{since:.9f}", filters=FILTERS, decode=True)

    def running(self) -> list[str]:
        """The ids of all containers that run, paused ones too."""
        with _errors():
            return [str(one["Id"]) for one in self._api.containers(quiet=True)]

    def inspect(self, container: str) -> dict[str, Any] | None:
        """What the engine says of a container; None where there is none."""
        with _errors():
            try:
                return dict(self._api.inspect_container(container))
            except NotFound:
                return None

    def swarm_node(self, node: str) -> dict[str, Any]:
        with _errors():
            return dict(self._api.inspect_node(node))

    def swarm_services(self) -> list[dict[str, Any]]:
        with _errors():
            return list(self._api.services())

    def swarm_nodes(self) -> list[dict[str, Any]]:
        with _errors():
            return list(self._api.nodes())

    def swarm_tasks(self, services: list[str]) -> list[dict[str, Any]]:
        """The tasks of these services that are to run."""
        with _errors():
            return list(self._api.tasks(filters={"service": services, "desired-state": "running"}))

    def close(self) -> None:
        self._api.close()


def _client(parallel: int) -> Any:
    settings = kwargs_from_env()  # DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH
    if "base_url" not in settings:
        settings["base_url"] = f"unix://{OLD_SOCKET if os.path.exists(OLD_SOCKET) else SOCKET}"  # noqa: PTH110 - docker-py takes text
    client = APIClient(version="auto", timeout=SECONDS, max_pool_size=parallel, **settings)
    if version_lt(NEWEST, client.api_version):
        client.close()
        client = APIClient(version=NEWEST, timeout=SECONDS, max_pool_size=parallel, **settings)
    client.trust_env = False  # else each request looks for proxies and ~/.netrc: a third of its time
    return client


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except APIError as error:
        raise EngineError(str(error.explanation or error)) from None
    except (DockerException, requests.RequestException, OSError, ValueError) as error:
        raise EngineError(str(error)) from None
