"""The engine of this machine, over docker-py's transport: events, inspect, and on a manager the swarm.

What answers there is data: an answer that is none ends in an EngineError, after a time and a number of bytes that are known before
(wire.py). docker-py's own calls are not used: they read without a bound, and quote no `/` in a name.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from typing import TYPE_CHECKING, Any, Final

import requests
from docker.api import APIClient
from docker.errors import DockerException
from docker.utils import kwargs_from_env, parse_host

from deployer.model.path import BadPathError, segment
from deployer.registrator.events import FILTERS, is_container
from deployer.registrator.wire import AnswerError, Limits, bound, end, lines, read_json, reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEWEST: Final = (1, 51)
"""The newest API that this was tried with. An engine is spoken to in the older of its own and this, never in a fixed one."""
OLD_SOCKET: Final = "/tmp/docker.sock"  # noqa: S108 - where the old image's users mount it
SOCKET: Final = "/var/run/docker.sock"
SECONDS: Final = 30
LONGEST_MESSAGE: Final = 300
_VERSION: Final = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})", re.ASCII)
_UNIX: Final = "http+unix://"


class EngineError(Exception):
    """The engine did not answer, or refused, or what answered is no engine."""


class Engine:
    """One engine. Every method raises EngineError; all but `events` may be called from several threads."""

    def __init__(self, parallel: int, limits: Limits | None = None) -> None:
        self._version = ""
        self._limits = limits or Limits(SECONDS)
        with _errors():
            self._api = _client(parallel, self._limits)
        try:
            self._version = self._agree()
        except EngineError:
            self.close()
            raise

    def _agree(self) -> str:
        found = _VERSION.fullmatch(str(self._object("/version").get("ApiVersion")))
        if found is None:
            raise EngineError("what answers at the engine's socket is no Docker engine")
        return "/v{}.{}".format(*min((int(found[1]), int(found[2])), NEWEST))

    def info(self) -> dict[str, Any]:
        return self._object("/info")

    def events(self, since: float) -> Events:
        """The events from `since` (seconds since 1970) on, as they come; `close()` on it ends it from another thread.

        The engine answers before it listens (moby, getEvents): `since` closes that gap.
        """
        with _errors():
            response = self._ask("/events", {"since": f"{since:.9f}", "filters": json.dumps(FILTERS)}, stream=True)
            if response.status_code != 200:
                with contextlib.closing(response):
                    _body(response)
                    raise AnswerError("its answer is no stream")
            return Events(response)

    def running(self) -> list[str]:
        """The ids of all containers that run, paused ones too."""
        return [str(one["Id"]) for one in self._list("/containers/json") if is_container(one.get("Id"))]

    def inspect(self, container: str) -> dict[str, Any] | None:
        """What the engine says of a container; None where there is none."""
        with _errors():
            response = self._ask(f"/containers/{segment(container)}/json")
            return None if response.status_code == 404 else _an_object(_body(response))

    def swarm_node(self, node: str) -> dict[str, Any]:
        with _errors():
            return _an_object(_body(self._ask(f"/nodes/{segment(node)}")))

    def swarm_services(self) -> list[dict[str, Any]]:
        return self._list("/services")

    def swarm_nodes(self) -> list[dict[str, Any]]:
        return self._list("/nodes")

    def swarm_tasks(self, services: list[str]) -> list[dict[str, Any]]:
        """The tasks of these services that are to run."""
        return self._list("/tasks", filters=json.dumps({"service": services, "desired-state": ["running"]}))

    def close(self) -> None:
        self._api.close()

    def _object(self, path: str) -> dict[str, Any]:
        with _errors():
            return _an_object(_body(self._ask(path)))

    def _list(self, path: str, **query: str) -> list[dict[str, Any]]:
        with _errors():
            told = _body(self._ask(path, query))
            if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
                raise AnswerError("its answer is no list of objects")
            return told

    def _ask(self, path: str, query: Mapping[str, str] | None = None, *, stream: bool = False) -> requests.Response:
        patience = (self._limits.seconds, None if stream else self._limits.seconds)
        address = f"{self._api.base_url}{self._version}{path}"
        response: requests.Response = self._api.get(address, params=query or {}, stream=stream, timeout=patience)
        return response


class Events:
    """The stream of events: each one as an object."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        self._closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Raises EngineError where the stream breaks, or where something else than an event comes: what it meant is lost."""
        try:
            with _errors():
                for line in lines(self._response):
                    yield _an_object(read_json(line))
        except EngineError:
            if not self._closed:
                raise
        finally:
            self._response.close()

    def close(self) -> None:
        self._closed = True
        end(self._response)


def _client(parallel: int, limits: Limits) -> Any:
    settings = kwargs_from_env()  # DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH
    if "base_url" not in settings:
        settings["base_url"] = f"unix://{OLD_SOCKET if os.path.exists(OLD_SOCKET) else SOCKET}"  # noqa: PTH110 - docker-py takes text
    # A version, so that it asks for none by itself; it stands in no request of ours.
    client = APIClient(version="{}.{}".format(*NEWEST), timeout=limits.seconds, max_pool_size=parallel, **settings)
    address = parse_host(settings["base_url"], tls="tls" in settings)
    path = address.removeprefix(_UNIX) if address.startswith(_UNIX) else ""
    bound(client, limits, parallel=parallel, socket_path=path)
    return client


def _body(response: requests.Response) -> Any:
    """The JSON of an answer. Raises AnswerError with the engine's own words where it refuses."""
    content = response.content
    if response.status_code < 400:
        return read_json(content)
    try:
        told = read_json(content)
        words = str(told["message"])
    except (AnswerError, KeyError, TypeError):
        words = content.decode("utf-8", "replace")
    raise AnswerError(words.strip()[:LONGEST_MESSAGE] or f"HTTP status {response.status_code}")


def _an_object(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise AnswerError("its answer is no object")
    return told


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except BadPathError as error:
        raise EngineError(f"it cannot be asked for this: {error}") from None
    except (DockerException, requests.RequestException, OSError, ValueError) as error:
        raise EngineError(reason(error)) from None
