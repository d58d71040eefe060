"""The Consul agent that the URI names, by py-consul. What py-consul 1.8.0 lacks is made up for here, and nowhere else:

- CONSUL_HTTP_TOKEN beats a token that it is given, and files it does not know: the token is set after it is made.
- `status.leader`, `agent.self` and `agent.service_definition` send no token: the session sends it with every request.
- Unix sockets: docker-py's adapter for requests carries them.
- Its session looks for proxies and ~/.netrc at each request, keeps ten connections, and follows redirects, with the token.
- It waits 30 s for an answer; an event cannot.
- Its errors are those of requests and its own; a 404 is no error: False or None.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import consul.std
import requests
from consul.exceptions import ACLDisabled, ACLPermissionDenied, BadRequest, ClientError, ConsulException
from docker.transport import UnixHTTPAdapter
from requests.adapters import HTTPAdapter

from deployer.errors import DeployerError
from deployer.registrator.checks import check_id
from deployer.registrator.diff import Snapshot, read_snapshot
from deployer.registrator.services import HASH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.registrator.address import Uri
    from deployer.registrator.services import Service

SECONDS: Final = 10
TOKEN: Final = "X-Consul-Token"  # noqa: S105 - the header's name


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

    def __init__(self, uri: Uri, env: Mapping[str, str], parallel: int) -> None:
        """Raises DeployerError where the token's file cannot be read, or CONSUL_HTTP_ADDR is wrong."""
        self._env = env
        try:
            self._api = _Api(uri, env, parallel)
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
            return read_snapshot(self._api.agent.services() or {}, self._api.agent.checks() or {}, engine)

    def has(self, service: str) -> bool:
        with self._errors():
            return self._api.agent.service_definition(service) is not None

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
                known = tell(check_id(service.id))
            except ConsulException as error:
                if "does not have associated TTL" not in str(error):  # Consul before 1.11; later ones answer 404
                    raise
                known = False
        if not known:
            raise AgentRefusesError(f"there is no check {check_id(service.id)}")

    def deregister(self, service: str) -> None:
        """What is not there is out, and no error."""
        with self._errors():
            self._api.agent.service.deregister(service)

    def close(self) -> None:
        self._api.http.session.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except BadRequest as error:
            raise AgentRefusesError(str(error)) from None
        except (ACLDisabled, ACLPermissionDenied) as error:
            self._api.authorize(read_token(self._env))  # its file may have a new one
            raise AgentDeniesError(str(error)) from None
        except ClientError as error:
            raise AgentRefusesError(str(error)) from None
        except ConsulException as error:
            raise AgentDeniesError(str(error)) from None
        except (requests.RequestException, OSError) as error:
            raise AgentDownError(_why(error)) from None


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


_WHERE_IN_OPENSSL: Final = re.compile(r" \(_ssl\.c:[0-9]+\)")


def _why(error: Exception) -> str:
    """The reason at the bottom of a requests error: what is above repeats address and class names."""
    text = _WHERE_IN_OPENSSL.sub("", str(error))
    return text.rpartition(": ")[2].strip("')\"") if isinstance(error, requests.RequestException) else text


class _Api(consul.std.Consul):  # type: ignore[misc] # py-consul ships no types
    def __init__(self, uri: Uri, env: Mapping[str, str], parallel: int) -> None:
        self._uri = uri
        self._parallel = parallel
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
        client = super().http_connect(*place, **more)
        session = client.session
        session.trust_env = False
        session.max_redirects = 0
        if self._uri.socket:
            session.mount(
                "http+unix://",
                UnixHTTPAdapter(f"http+unix://{self._uri.socket}", SECONDS, max_pool_size=self._parallel),
            )
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=self._parallel))
        return client


__all__ = ["Agent", "AgentDeniesError", "AgentDownError", "AgentError", "AgentRefusesError", "read_token"]
