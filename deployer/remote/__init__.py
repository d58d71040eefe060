"""Machines: commands and sockets, over SSH or here."""

from deployer.remote.connection import Connection, ConnectionFailedError, Place, Stream, TcpPort, UnixSocket
from deployer.remote.link import Link

__all__ = ["Connection", "ConnectionFailedError", "Link", "Place", "Stream", "TcpPort", "UnixSocket"]
