"""Machines: commands and sockets, over SSH or here."""

from deployer.remote.connection import (
    Connection,
    ConnectionFailedError,
    NoAnswerError,
    NotLetInError,
    Place,
    Stream,
    TcpPort,
    UnixSocket,
)
from deployer.remote.link import Link

__all__ = [
    "Connection",
    "ConnectionFailedError",
    "Link",
    "NoAnswerError",
    "NotLetInError",
    "Place",
    "Stream",
    "TcpPort",
    "UnixSocket",
]
