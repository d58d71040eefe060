"""The Consul agent that the URI names, by py-consul. What py-consul 1.8.0 lacks is made up for here, and nowhere else:

- CONSUL_HTTP_TOKEN beats a token that it is given, and files it does not know: the token is set after it is made.
- `status.leader`, `agent.self` and `agent.service_definition` send no token: the session sends it with every request.
- It quotes no name that becomes part of a path: names are `segment`s here, and nothing is sent but the paths in PATHS. Consul's
  `/v1/agent/leave` is not among them, so that no container can have it asked for.
- Unix sockets, redirects (followed with the token), time-outs, and answers without an end: wire.py.
- Its errors are those of requests and its own, and whatever an answer of another form ends in; a 404 is no error: False or None.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import consul.std
import requests
from consul.callback import CB
from consul.exceptions import ACLDisabled, ACLPermissionDenied, BadRequest, ClientError, ConsulException

from deployer.errors import DeployerError
from deployer.model.path import BadPathError, Paths, segment
from deployer.model.registration import expiring, fits
from deployer.registrator.checks import check_id
from deployer.registrator.diff import Snapshot, read_snapshot
from deployer.registrator.services import HASH
from deployer.registrator.wire import Limits, bound, reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.registrator.address import Uri
    from deployer.registrator.services import Service

SECONDS: Final = 10
TOKEN: Final = "X-Consul-Token"  # noqa: S105 - the header's name
LONGEST_COMPLAINT: Final = 300
PATHS: Final = Paths(
    "/v1/status/leader", "/v1/agent/services", "/v1/agent/checks",
    "/v1/agent/service/*", "/v1/agent/service/register", "/v1/agent/service/deregister/*",
    "/v1/agent/check/pass/*", "/v1/agent/check/fail/*",
)  # fmt: skip
_NOT_UNDERSTOOD: Final = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What py-consul and we end in where an answer has another form than Consul's."""


class AgentError(Exception):
    """The agent did not do it."""


class AgentDownError(AgentError):
    """It does not answer."""


class AgentDeniesError(AgentError):
    """It answers and does not do it: the token is too little (401, 403), or it is in trouble (5xx). Worth trying again later."""


class AgentRefusesError(AgentError):
    """It takes the request for wrong (400): not worth trying again."""


class Agent:
    """One agent. Every method raises an AgentError, and may be called from several threads."""

    def __init__(self, uri: Uri, env: Mapping[str, str], parallel: int, limits: Limits | None = None) -> None:
        """Raises DeployerError where the token's file cannot be read, or CONSUL_HTTP_ADDR is wrong."""
        self._env = env
        try:
            self._api = _Api(uri, env, parallel, limits or Limits(SECONDS))
        except ConsulException as error:
            raise DeployerError(str(error)) from None
        self._api.authorize(read_token(env))

    def leader(self) -> str:
        """The server that leads; empty while there is none."""
        with self._errors():
            return str(self._api.status.leader() or "")

    def snapshot(self, engine: str) -> Snapshot:
        """Everything that is registered with the agent."""
        with self._errors():
            return read_snapshot(self._services(), self._api.agent.checks() or {}, engine)

    def has(self, service: str) -> bool:
        with self._errors():
            return self._api.agent.service_definition(segment(service)) is not None

    def register(self, service: Service) -> None:
        with self._errors():
            self._api.agent.service.register(
                service.name,
                service_id=service.id,
                address=service.address,
                port=service.port,
                tags=list(service.tags),
                meta={**service.meta, HASH: service.hash},
                check=dict(service.check) if service.check else None,
                replace_existing_checks=True,  # else the checks of an earlier definition stay
            )

    def set_status(self, service: Service) -> None:
        """Tell the check that Docker's health feeds."""
        checks = self._api.agent.check
        with self._errors():
            tell = checks.ttl_pass if service.status == "passing" else checks.ttl_fail
            try:
                known = tell(segment(check_id(service.id)))
            except ConsulException as error:
                if "does not have associated TTL" not in str(error):  # Consul before 1.11; later ones answer 404
                    raise
                known = False
        if not known:
            raise AgentRefusesError(f"there is no check {check_id(service.id)}")

    def deregister(self, service: str) -> None:
        """What is not there is out, and no error.

        Earlier versions, and the old program, registered every id. One that no path can hold is made to expire: Consul has it
        gone within two minutes, and no client finds it meanwhile.
        """
        with self._errors():
            if fits(service):
                self._api.agent.service.deregister(segment(service))
            elif there := self._services().get(service):
                body = json.dumps(expiring(service, str(there.get("Service") or "expired")))
                replace = [("replace-existing-checks", "true")]
                self._api.http.put(CB.boolean(), "/v1/agent/service/register", params=replace, data=body)

    def _services(self) -> Mapping[str, Any]:
        told = self._api.agent.services()
        if not isinstance(told, dict):  # and not `none at all`: what is gone by that would be gone for everybody
            raise TypeError
        return told

    def close(self) -> None:
        self._api.http.session.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except BadPathError as error:
            raise AgentRefusesError(f"it cannot be asked for this: {error}") from None
        except (BadRequest, ClientError) as error:
            raise AgentRefusesError(str(error)[:LONGEST_COMPLAINT]) from None
        except (ACLDisabled, ACLPermissionDenied) as error:
            self._api.authorize(read_token(self._env))  # its file may have a new one
            raise AgentDeniesError(str(error)[:LONGEST_COMPLAINT]) from None
        except ConsulException as error:
            raise AgentDeniesError(str(error)[:LONGEST_COMPLAINT]) from None
        except (requests.RequestException, OSError) as error:
            raise AgentDownError(reason(error)) from None
        except _NOT_UNDERSTOOD:
            raise AgentDeniesError("its answer has another form than Consul's") from None


def read_token(env: Mapping[str, str]) -> str:
    """The token of CONSUL_HTTP_TOKEN_FILE, else of CONSUL_HTTP_TOKEN (Consul's own client has this order); empty without."""
    path = env.get("CONSUL_HTTP_TOKEN_FILE", "")
    if not path:
        return env.get("CONSUL_HTTP_TOKEN", "")
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        raise DeployerError(f"CONSUL_HTTP_TOKEN_FILE: {path}: {why}") from None


class _Client(consul.std.HTTPClient):  # type: ignore[misc] # py-consul ships no types
    """What all requests of py-consul go through."""

    def uri(self, path: str, params: list[tuple[str, Any]] | None = None) -> str:
        return f"{self.base_uri}{PATHS.checked(path)}" + (f"?{urlencode(params)}" if params else "")


class _Api(consul.std.Consul):  # type: ignore[misc] # py-consul ships no types
    def __init__(self, uri: Uri, env: Mapping[str, str], parallel: int, limits: Limits) -> None:
        self._uri = uri
        self._parallel = parallel
        self._limits = limits
        certificate = env.get("CONSUL_CLIENT_CERT", "")
        key = env.get("CONSUL_CLIENT_KEY", "")
        super().__init__(
            host="localhost" if uri.socket else uri.host or None,
            port=uri.port if uri.socket or uri.host else None,
            scheme={"consul": None, "consul-tls": "https", "consul-unix": "http+unix"}[uri.scheme],
            verify=env.get("CONSUL_CACERT") or None,
            cert=((certificate, key) if key else certificate) or None,
            connections_timeout=SECONDS,
        )

    def authorize(self, token: str) -> None:
        self.token = token or None
        self.http.session.headers.pop(TOKEN, None)
        if token:
            self.http.session.headers[TOKEN] = token

    def http_connect(self, *place: Any, **more: Any) -> Any:
        client = _Client(*place, connections_timeout=self.connections_timeout, **more)
        bound(client.session, self._limits, parallel=self._parallel, socket_path=self._uri.socket)
        return client


__all__ = ["Agent", "AgentDeniesError", "AgentDownError", "AgentError", "AgentRefusesError", "read_token"]
