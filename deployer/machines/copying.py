"""Places on machines in, the command that copies or mounts out: scp, rsync and sshfs over OpenSSH, which this process becomes."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError, UsageError
from deployer.machines.enter import way_in
from deployer.machines.inventory import choose
from deployer.remote.openssh import cache, config, keep

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deployer.model.cluster import Cluster, Node
    from deployer.workflow.validate import Source

_REMOTE: Final = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<machine>[^@/:]+):(?P<path>.*)", re.DOTALL)
LOCALHOST: Final = "localhost"


@dataclass(frozen=True)
class Place:
    """`[[user@]machine:]path`; no machine: this one."""

    machine: str | None
    user: str | None
    path: str


def read_place(text: str) -> Place:
    """As scp reads it: what has a slash before its first colon is a file of this machine."""
    found = _REMOTE.fullmatch(text)
    if found is None or found["machine"] == LOCALHOST:
        return Place(None, None, found["path"] if found else text)
    return Place(found["machine"], found["user"], found["path"])


def scp(source: Source, places: tuple[str, str], *, recursive: bool, delta: bool, quiet: bool) -> tuple[str, ...]:
    """The command that copies the first place to the second. Raises UsageError where none of them is on a machine."""
    ends = [read_place(text) for text in places]
    names = [end.machine for end in ends if end.machine]
    if not names:
        raise UsageError("neither of them is on a machine", help="write MACHINE:PATH for one of the two")
    cluster, nodes = choose(source, names)
    by_name = {node.name: node for node in nodes}
    file = str(_config(cluster, nodes))
    written = [_write(end, by_name) for end in ends]
    if not delta:
        flags = [*(["-r"] if recursive else []), *(["-q"] if quiet else [])]
        return ("scp", "-3", "-F", file, *flags, "--", *written)
    if len(names) == len(ends):
        raise UsageError("--delta copies between this machine and another", help="leave --delta out")
    _there("rsync", "apt-get install rsync")
    flags = [*(["--recursive"] if recursive else []), "--quiet" if quiet else "--progress"]
    return ("rsync", "--compress", "--rsh", f"ssh -F {file}", *flags, "--", *written)


def mount(source: Source, place: str, where: str | None) -> tuple[str, ...]:
    """The command that mounts a machine's folder here, at the same path where no other is named."""
    end = read_place(place)
    if end.machine is None:
        raise UsageError(f"{place!r} is on no machine", help="write MACHINE:PATH")
    _there("sshfs", "apt-get install sshfs")
    cluster, nodes = choose(source, [end.machine])
    file = str(_config(cluster, nodes))
    return ("sshfs", "-F", file, _write(end, {nodes[0].name: nodes[0]}), where or end.path)


def unmount(place: str, where: str | None) -> tuple[str, ...]:
    """The command that takes it away again."""
    program = "fusermount3" if shutil.which("fusermount3") else "fusermount"
    _there(program, "apt-get install fuse3")
    return (program, "-u", "--", where or read_place(place).path)


def _write(end: Place, nodes: Mapping[str, Node]) -> str:
    if end.machine is None:
        # A name with a colon in it would be another machine's, for scp as for rsync.
        return end.path if end.path.startswith("/") or ":" not in end.path else f"./{end.path}"
    node = nodes[end.machine]
    host = f"[{node.address}]" if ":" in node.address else node.address
    user = end.user or node.ssh.user
    return f"{user}@{host}:{end.path}" if user else f"{host}:{end.path}"


def _config(cluster: Cluster, nodes: tuple[Node, ...]) -> Path:
    """A file for `-F` with these machines in it, kept by its content. Two at one address cannot be told apart there."""
    if len({node.address for node in nodes}) < len(nodes):
        raise UsageError(
            f"{' and '.join(node.name for node in nodes)} have the same address, and differ in the port only",
            help="copy to this machine first",
        )
    text = config(way_in(cluster, node).without("User") for node in nodes)
    return keep(cache() / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.config", text)


def _there(program: str, how: str) -> None:
    if shutil.which(program) is None:
        raise DeployerError(f"there is no `{program}` on this machine", help=f"install it, for instance by {how}")
