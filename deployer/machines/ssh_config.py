"""Machines in, what makes everybody's own `ssh` know them out: a file of ssh_config(5), and the line that includes it.

Docker's client starts `ssh` by itself for `ssh://` and gives it a user, a host and a port; which key to use and whose host
key to believe it learns from here only.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.errors import DeployerError
from deployer.remote.openssh import reach
from deployer.user_files import make_private_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.model.cluster import Cluster

FOLDER: Final = ".ssh/deployer"
INCLUDE: Final = "Include ~/.ssh/deployer/*.conf"


def text(cluster: Cluster) -> str:
    """The part of ssh_config for the machines that are reached over SSH."""
    ways = [reach(node, cluster.known_hosts, _folder(cluster)) for node in cluster.nodes if not node.local]
    return f"# The machines of {cluster.name}, written by deployer\n" + "".join(f"\n{way.stanza}" for way in ways)


def _folder(cluster: Cluster) -> Path:
    """Where the host keys are, a file a machine."""
    return Path.home() / FOLDER / cluster.name


def install(cluster: Cluster, say: Callable[[str], None]) -> None:
    """Write `~/.ssh/deployer/CLUSTER.conf`, and include it in `~/.ssh/config` where that does not yet."""
    home = Path.home()
    _write(home / FOLDER / f"{cluster.name}.conf", text(cluster), say)
    config = home / ".ssh" / "config"
    present = _read(config)
    if INCLUDE not in present.splitlines():  # before all else: within a `Host` section it would count for that alone
        _write(config, f"{INCLUDE}\n\n{present}" if present else f"{INCLUDE}\n", say)


def uninstall(cluster: Cluster, say: Callable[[str], None]) -> None:
    """Take both away again; the line stays while another cluster's file needs it."""
    home = Path.home()
    file = home / FOLDER / f"{cluster.name}.conf"
    shutil.rmtree(_folder(cluster), ignore_errors=True)
    if file.exists():
        file.unlink()
        say(f"removed {file}")
    config = home / ".ssh" / "config"
    present = _read(config)
    if INCLUDE in present.splitlines() and not any((home / FOLDER).glob("*.conf")):
        kept = [line for line in present.splitlines() if line != INCLUDE]
        _write(config, "\n".join(kept).strip("\n") + "\n" if any(kept) else "", say)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise DeployerError(f"{path} cannot be read: {why}", help="mend or move it, then run this again") from None


def _write(path: Path, content: str, say: Callable[[str], None]) -> None:
    """Whole or not at all, for nobody else's eyes; a link stays one."""
    if _read(path) == content:
        return
    place = path.resolve()
    try:
        make_private_folder(place.parent)
        write_whole(place, content.encode())
    except OSError as error:
        raise DeployerError(f"{path} cannot be written: {error.strerror}") from None
    say(f"wrote {path}")
