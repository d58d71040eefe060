"""Git's own ways to a repository: a folder, SSH with the OpenSSH client, HTTP with git-http-backend behind a small web server.

The SSH server is asyncssh's: what it is asked to run it gives to the shell, as sshd does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Way:
    url: str
    """Of the folder in which the repositories are."""
    environment: dict[str, str] = field(default_factory=dict)
    """Of whoever pushes."""
    who: str = ""


class _Cgi(BaseHTTPRequestHandler):
    """git-http-backend(1) as a CGI program: RFC 3875. Who comes is `ann`."""

    protocol_version = "HTTP/1.0"
    root = ""

    def do_GET(self) -> None:
        self._run(b"")

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._run(body)

    def _run(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environment = os.environ | {
            "GATEWAY_INTERFACE": "CGI/1.1", "GIT_PROJECT_ROOT": self.root, "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command, "REMOTE_USER": "ann",
            "REMOTE_ADDR": self.client_address[0], "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)), "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        with subprocess.Popen(
            ["git", "http-backend"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        ) as process:
            assert process.stdin
            assert process.stdout
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(body)
            process.stdin.close()
            head = b""
            while b"\r\n\r\n" not in head and (data := os.read(process.stdout.fileno(), 65536)):
                head += data
            head, _, rest = head.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                while rest or (rest := os.read(process.stdout.fileno(), 65536)):
                    self.wfile.write(rest)
                    rest = b""

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def over_http(root: Path) -> Iterator[Way]:
    handler = type("Cgi", (_Cgi,), {"root": str(root)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield Way(f"http://127.0.0.1:{server.server_port}", who="ann from 127.0.0.1")
        finally:
            server.shutdown()
            thread.join()


async def _shell(process: asyncssh.SSHServerProcess[bytes]) -> None:
    peer, here = process.get_extra_info("peername"), process.get_extra_info("sockname")
    environment = os.environ | {"SSH_CONNECTION": f"{peer[0]} {peer[1]} {here[0]} {here[1]}"}
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
    child = await asyncio.create_subprocess_shell(process.command or "exit 1", env=environment, **pipes)
    await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr)
    code = await child.wait()
    await process.stdout.drain()
    process.exit(code)


async def _serve(keys: Path) -> None:
    """Until it is killed; the port is the first thing that it says."""
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[str(keys / "host")], authorized_client_keys=str(keys / "id.pub"),
        process_factory=_shell, encoding=None,
    )  # fmt: skip
    print(server.get_port(), flush=True)
    await server.wait_closed()


@contextlib.contextmanager
def over_ssh(root: Path, keys: Path) -> Iterator[Way]:
    for name in ("host", "id"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)]
        subprocess.run(argv, check=True, capture_output=True)
    with subprocess.Popen([sys.executable, __file__, str(keys)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        port = server.stdout.readline().strip()
        (keys / "known_hosts").write_text(f"[127.0.0.1]:{port} {(keys / 'host.pub').read_text()}")
        ssh = f"ssh -F /dev/null -i {keys}/id -o IdentitiesOnly=yes -o UserKnownHostsFile={keys}/known_hosts"
        command = f"{ssh} -o StrictHostKeyChecking=yes"
        try:
            yield Way(f"ssh://git@127.0.0.1:{port}{root}", {"GIT_SSH_COMMAND": command}, "from 127.0.0.1")
        finally:
            server.kill()


def over_files(root: Path) -> Way:
    return Way(str(root))


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
