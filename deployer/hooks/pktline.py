"""Git's pkt-line on two pipes, as far as the proc-receive hook speaks it (githooks(5), gitprotocol-common(5))."""

from __future__ import annotations

from typing import IO, Final

from deployer.errors import DeployerError

LARGEST: Final = 65_516
MOST: Final = 10_000


def read_section(stream: IO[bytes]) -> list[bytes]:
    """The lines up to the next flush packet, without their line ends. DeployerError for what is no pkt-line."""
    lines: list[bytes] = []
    while True:
        head = stream.read(4)
        try:
            length = int(head, 16) if len(head) == 4 else -1
        except ValueError:
            length = -1
        if length == 0:
            return lines
        data = stream.read(length - 4) if 4 <= length <= LARGEST + 4 else b""
        if length < 4 or len(data) != length - 4 or len(lines) >= MOST:
            raise DeployerError("git gave the hook a line that is none", help="the hook is for git to call")
        lines.append(data.removesuffix(b"\n"))


def write_section(stream: IO[bytes], lines: list[str]) -> None:
    for line in lines:
        data = line.encode(errors="replace")[: LARGEST - 1] + b"\n"
        stream.write(b"%04x" % (len(data) + 4) + data)
    stream.write(b"0000")
    stream.flush()
