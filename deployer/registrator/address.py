"""Read from the registry URI where the Consul agent listens. Pure.

`consul://host:port`, `consul-tls://host:port`, `consul-unix:///path`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from deployer.errors import DeployerError

PORT: Final = 8500
_OTHERS: Final = frozenset({"consulkv", "consulkv-unix", "etcd", "skydns2", "zookeeper", "zookeeper-path"})


@dataclass(frozen=True)
class Uri:
    """`host` is empty where the URI names none: CONSUL_HTTP_ADDR, or this machine's agent. `socket` is a unix socket's path."""

    scheme: str
    host: str = ""
    port: int = PORT
    socket: str = ""

    def __str__(self) -> str:
        return f"unix socket {self.socket}" if self.socket else f"{join(self.host or 'localhost', self.port)}"


def read_uri(text: str) -> Uri:
    """Raises DeployerError where the URI names no Consul agent."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or PORT
    except ValueError:
        raise DeployerError(f"bad adapter uri: {text}") from None
    if parts.scheme in _OTHERS:
        raise DeployerError(f"the {parts.scheme} backend is not supported", help="consul, consul-tls, consul-unix are")
    if parts.scheme not in {"consul", "consul-tls", "consul-unix"}:
        raise DeployerError(
            f"unrecognized adapter: {text}", help="consul://HOST:PORT, consul-tls://HOST:PORT or consul-unix:///PATH"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise DeployerError(
            f"bad adapter uri: {parts.scheme}://...: it is more than an address",
            help="a token comes from CONSUL_HTTP_TOKEN or CONSUL_HTTP_TOKEN_FILE",
        )
    if parts.scheme == "consul-unix":
        path = parts.netloc + parts.path
        if not path.startswith("/"):
            raise DeployerError(f"bad adapter uri: {text}", help="consul-unix:///PATH")
        return Uri(parts.scheme, socket=path)
    if parts.scheme == "consul-tls" and not host:
        raise DeployerError(f"bad adapter uri: {text}", help="consul-tls://HOST:PORT")
    return Uri(parts.scheme, host, port)


def join(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets (Go's net.JoinHostPort)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
