"""Consul's catalogue on a machine: py-consul's API over that machine's one connection.

py-consul leaves the transport to a class of its user's; with an asynchronous one its calls return awaitables
(py-consul, consul/aio.py, does the same with aiohttp). It quotes no name that becomes part of a path: every call here gives it
names from `segment`, and the transport sends nothing but the paths in PATHS.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import consul.base
from consul.callback import CB
from consul.exceptions import ConsulException

from deployer.errors import DeployerError
from deployer.model import path as paths
from deployer.model.printable import printable
from deployer.model.registration import expiring, fits
from deployer.remote.connection import TcpPort
from deployer.remote.http import HttpClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deployer.model.secret import Secret
    from deployer.remote.connection import Connection

    Answer = Callable[[Any], Any]

PORT: Final = TcpPort("127.0.0.1", 8500)
REQUEST_SECONDS: Final = 10.0
"""py-consul's synchronous transport waits for ever; ours does not."""
LONGEST_COMPLAINT: Final = 300
PATHS: Final = paths.Paths(
    "/v1/status/leader",
    "/v1/agent/services", "/v1/agent/service/register", "/v1/agent/service/deregister/*",
    "/v1/agent/members", "/v1/agent/force-leave/*", "/v1/agent/leave",
    "/v1/catalog/nodes", "/v1/catalog/node/*", "/v1/catalog/register", "/v1/catalog/deregister",
    "/v1/health/state/any", "/v1/operator/autopilot/health",
    "/v1/session/create", "/v1/session/renew/*", "/v1/session/destroy/*", "/v1/kv/**",
)  # fmt: skip
NOT_UNDERSTOOD: Final = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What py-consul 1.8.0 lets through where an answer is no JSON of the form that it expects (ConsulException for others)."""
MEMBER_STATES: Final = {1: "alive", 2: "leaving", 3: "left", 4: "failed"}


class ConsulError(DeployerError):
    """Consul refused, or could not do it."""


def segment(name: str) -> str:
    """A name as one segment of a path. Raises ConsulError where no path may hold it."""
    try:
        return paths.segment(name)
    except paths.BadPathError as error:
        raise ConsulError(f"Consul cannot be asked for this: {error}") from None


def segments(key: str) -> str:
    """A key, which slashes part, as the end of a path. Raises ConsulError where no path may hold it."""
    return "/".join(segment(part) for part in key.split("/"))


def _is_entry(told: Any) -> bool:
    return isinstance(told, dict) and isinstance(told.get("ID"), str) and isinstance(told.get("Meta") or {}, dict)


class _Transport(consul.base.HTTPClient):  # type: ignore[misc] # py-consul ships no types
    """The transport that py-consul's calls go through."""

    def __init__(self, client: HttpClient, token: Secret | None) -> None:
        super().__init__()
        self._client = client
        self._token = token

    async def get(self, callback: Answer, path: str, params: Any = None, headers: Any = None, **_: Any) -> Any:
        return await self._call(callback, "GET", path, params, "", headers)

    async def put(self, callback: Answer, path: str, params: Any = None, data: Any = "", headers: Any = None) -> Any:
        return await self._call(callback, "PUT", path, params, data, headers)

    async def delete(self, callback: Answer, path: str, params: Any = None, headers: Any = None) -> Any:
        return await self._call(callback, "DELETE", path, params, "", headers)

    async def post(self, callback: Answer, path: str, params: Any = None, data: Any = "", headers: Any = None) -> Any:
        return await self._call(callback, "POST", path, params, data, headers)

    async def close(self) -> None:
        self._client.close()

    async def _call(self, callback: Answer, method: str, path: str, params: Any, data: Any, headers: Any) -> Any:
        target = PATHS.checked(path) + (f"?{urlencode(params)}" if params else "")
        body = data.encode() if isinstance(data, str) else data
        if self._token:  # py-consul has its own way of sending it for each call, and for some none
            headers = {**(headers or {}), "X-Consul-Token": self._token.reveal()}
        response = await self._client.request(method, target, body, headers=headers, seconds=REQUEST_SECONDS)
        headers = {name.title(): value for name, value in response.headers.items()}  # as py-consul looks them up
        return callback(consul.base.Response(response.status, headers, response.body.decode("utf-8", "replace")))


class _Api(consul.base.Consul):  # type: ignore[misc] # py-consul ships no types
    def __init__(self, client: HttpClient, token: Secret | None) -> None:
        self._client = client
        self._secret = token
        # All of it said, and the token taken away: py-consul would take CONSUL_HTTP_* of whoever runs this instead.
        super().__init__(PORT.host, PORT.port, scheme="http", verify=True)
        self.token = None

    def http_connect(self, *_: Any, **__: Any) -> _Transport:
        return _Transport(self._client, self._secret)


class Catalogue:
    """What deployer asks of Consul. All methods raise ConsulError, ConnectionFailedError, or TimedOutError."""

    def __init__(self, connection: Connection, token: Secret | None = None, place: TcpPort = PORT) -> None:
        """`token` is sent with every request, as a header. `place` is as seen from the machine."""
        self._http = HttpClient(lambda: connection.open(place), "consul")
        self._api = _Api(self._http, token)

    def close(self) -> None:
        """Close the streams that are kept for the next request."""
        self._http.close()

    async def leader(self) -> str:
        """`address:port` of the server that leads; empty while there is none."""
        return str(await self._ask(self._api.status.leader()) or "")

    async def registered(self) -> list[dict[str, Any]]:
        """What is registered with this very agent (`/v1/agent/services`)."""
        told = await self._ask(self._api.http.get(CB.json(), "/v1/agent/services"))
        if not isinstance(told, dict) or not all(_is_entry(one) for one in told.values()):
            raise ConsulError("Consul: its list of services is none")
        return list(told.values())

    async def deregister(self, identifier: str) -> None:
        """Take a service out of this agent's own, which is the only way to have it gone for good.

        One whose id no path can hold is made to expire; Consul has it gone within two minutes.
        """
        if fits(identifier):
            put = self._api.http.put(CB.boolean(), f"/v1/agent/service/deregister/{segment(identifier)}")
        else:
            there = next((entry for entry in await self.registered() if entry["ID"] == identifier), None)
            if there is None:
                return
            body = json.dumps(expiring(identifier, str(there.get("Service") or "expired")))
            replace = [("replace-existing-checks", "true")]
            put = self._api.http.put(CB.boolean(), "/v1/agent/service/register", params=replace, data=body)
        if not await self._ask(put):
            raise ConsulError(f"Consul: it does not let go of {printable(identifier)}")

    async def healthy_servers(self) -> int:
        """How many servers the leader calls healthy; 0 while it finds that one is not.

        Autopilot's word (`/v1/operator/autopilot/health`): alive, its log not far behind, its last contact not long ago.
        Consul answers with 429 where one is not healthy.
        """
        try:
            told = await self._ask(self._api.http.get(CB.json(), "/v1/operator/autopilot/health"))
        except ConsulError as error:
            if error.message.startswith("Consul: 429"):
                return 0
            raise
        listed = told.get("Servers") if isinstance(told, dict) else None
        if not isinstance(listed, list) or not all(isinstance(server, dict) for server in listed):
            raise ConsulError("Consul: its servers' health is none")
        return sum(bool(server.get("Healthy")) for server in listed) if told.get("Healthy") else 0

    async def nodes(self) -> list[dict[str, Any]]:
        """Every machine in the catalogue, as `/v1/catalog/nodes` lists them."""
        _, nodes = await self._ask(self._api.catalog.nodes())
        if not isinstance(nodes, list) or not all(
            isinstance(told, dict) and isinstance(told.get("Node"), str) and isinstance(told.get("Address"), str)
            for told in nodes
        ):
            raise ConsulError("Consul: its list of machines is none")
        return nodes

    async def register(self, name: str, address: str, meta: Mapping[str, str]) -> None:
        """Write a machine into the catalogue (`/v1/catalog/register`).

        Not by py-consul's `catalog.register`: 1.8.0 sends `node_meta` in the query, where Consul does not look for it.
        """
        body = json.dumps({"Node": name, "Address": address, "NodeMeta": dict(meta)})
        if not await self._ask(self._api.http.put(CB.boolean(), "/v1/catalog/register", data=body)):
            raise ConsulError(f"Consul: it does not take the registration of {name}")

    async def forget(self, name: str) -> None:
        """Take a machine, with everything that the catalogue has on it, out (`/v1/catalog/deregister`)."""
        body = json.dumps({"Node": name})
        if not await self._ask(self._api.http.put(CB.boolean(), "/v1/catalog/deregister", data=body)):
            raise ConsulError(f"Consul: it does not let go of {name}")

    async def member(self, name: str) -> str:
        """What the others say of that machine's own agent: "alive", "leaving", "left", "failed"; empty where they know none.

        The numbers are serf's (hashicorp/serf, serf/serf.go, MemberStatus).
        """
        told = await self._ask(self._api.agent.members())
        if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
            raise ConsulError("Consul: its list of members is none")
        states = [one.get("Status") for one in told if one.get("Name") == name]
        if not states:
            return ""
        return MEMBER_STATES.get(states[0], "none") if isinstance(states[0], int) else "none"

    async def prune(self, name: str) -> None:
        """Take an agent that has left, or that failed, out of the list of members (`/v1/agent/force-leave/NAME?prune`)."""
        if not await self._ask(self._api.agent.force_leave(segment(name), prune=True)):
            raise ConsulError(f"Consul: it does not let go of {name}")

    async def leave(self) -> None:
        """Have this very agent leave its cluster, and end (`/v1/agent/leave`)."""
        if not await self._ask(self._api.http.put(CB.boolean(), "/v1/agent/leave")):
            raise ConsulError("Consul: it does not leave")

    async def _ask(self, call: Any) -> Any:
        try:
            return await call
        except paths.BadPathError as error:
            raise ConsulError(f"Consul cannot be asked for this: {error}") from None
        except ConsulException as error:  # whose text may be a whole page
            raise ConsulError(f"Consul: {printable(str(error).strip()[:LONGEST_COMPLAINT])}") from None
        except NOT_UNDERSTOOD:
            raise ConsulError("Consul: an answer of it is none") from None
