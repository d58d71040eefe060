"""Prove that an engine's port lets us in, by the checks that Python 3.13 has on (VERIFY_X509_STRICT)."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final, TypeVar

from deployer.certificates.place import CERTIFICATE, KEY, TRUSTED
from deployer.errors import DeployerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deployer.remote import Stream

_PING: Final = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
_CHUNK: Final = 65536
_T = TypeVar("_T")


class NotTrustedError(DeployerError):
    """The other side does not show who it is, or does not believe who we are."""


def strict_context(folder: Path) -> ssl.SSLContext:
    """A client's: who is trusted, and its own certificate, from a cluster's folder."""
    context = ssl.create_default_context(cafile=str(folder / TRUSTED))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    return context


async def prove(stream: Stream, context: ssl.SSLContext, name: str) -> None:
    """Ask the engine behind the stream for a sign of life, as the machine `name`. Raises NotTrustedError.

    The request is part of it: with TLS 1.3 a client learns after its handshake only that it was refused.
    """
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        spoken = context.wrap_bio(coming, going, server_hostname=name)
        await _until(spoken.do_handshake, stream, coming, going)
        spoken.write(_PING)
        answer = await _until(lambda: spoken.read(_CHUNK), stream, coming, going)
    except (ssl.SSLError, ValueError) as error:
        raise NotTrustedError(f"no TLS with it as {name}: {getattr(error, 'verify_message', '') or error}") from None
    if not answer.startswith(b"HTTP/1.1 200"):
        raise NotTrustedError(f"what listens there is no engine: {answer[:60]!r}")


async def _until(step: Callable[[], _T], stream: Stream, coming: ssl.MemoryBIO, going: ssl.MemoryBIO) -> _T:
    """The step's result, once enough has gone and come for it."""
    while True:
        try:
            result = step()
        except ssl.SSLWantReadError:
            await _sent(stream, going)
            data = await stream.read(_CHUNK)
            coming.write(data) if data else coming.write_eof()
        except ssl.SSLError:
            await _sent(stream, going)  # the alert that says why
            raise
        else:
            await _sent(stream, going)
            return result


async def _sent(stream: Stream, going: ssl.MemoryBIO) -> None:
    if going.pending:
        await stream.write(going.read())
