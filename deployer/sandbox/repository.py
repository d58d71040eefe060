"""Read the machines of a repository, and write the sandbox's addresses and host keys into its files. Commits nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from deployer.errors import DeployerError, UsageError
from deployer.sandbox import edits, keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.sandbox.spec import Sandbox

LOCAL = "local"  # the address of a node that is this machine's own engine


def repository_machines(repository: Path) -> tuple[str, ...]:
    """The machines of cluster/nodes/*.yaml, sorted, without those that are this machine's own engine.

    Raises UsageError where there are none.
    """
    files = sorted((repository / "cluster" / "nodes").glob("*.yaml"))
    names = tuple(file.stem for file in files if _address(file) != LOCAL)
    if not names:
        raise UsageError(
            f"{repository} has no machines for a sandbox", help="cluster/nodes/NAME.yaml describes one each"
        )
    return names


def write_repository(repository: Path, sandbox: Sandbox, say: Callable[[str], None]) -> None:
    """Put addresses, identity file and host keys of `sandbox` into the files under cluster/, where they differ."""
    folder = repository / "cluster"
    changes: dict[Path, tuple[tuple[str, ...], str]] = {
        folder / "nodes" / f"{machine.name}.yaml": (("address",), machine.address) for machine in sandbox.machines
    }
    changes[folder / "cluster.yaml"] = (("ssh", "identity_file"), in_home(sandbox.identity_file, Path.home()))
    for path, (where, value) in changes.items():
        text = _read(path)
        try:
            _write(path, text, edits.set_value(text, where, value), say)
        except DeployerError as error:
            raise DeployerError(f"{path}: {error.message}", help=error.help) from error
    path = folder / "known_hosts"
    text = _read(path) if path.exists() else ""
    _write(path, text, keys.merge_known_hosts(text, sandbox.known_hosts), say)


def in_home(path: Path, home: Path) -> str:
    """`path` with ~ for `home`, so that a file that is in git fits more than one person."""
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _address(path: Path) -> str:
    try:
        document = yaml.safe_load(_read(path))
    except yaml.YAMLError as error:
        raise DeployerError(f"{path} is not YAML", help="deployer validate says where") from error
    return str(document.get("address", "")) if isinstance(document, dict) else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DeployerError(f"{path} cannot be read: {error}") from error


def _write(path: Path, old: str, new: str, say: Callable[[str], None]) -> None:
    if new != old:
        path.write_text(new, encoding="utf-8")
        say(f"wrote {path}")
