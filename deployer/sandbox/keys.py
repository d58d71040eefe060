"""SSH keys: the pair with which one enters the machines, and the machines' own keys as a known_hosts file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.sandbox import state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def ensure_key_pair(name: str) -> str:
    """Make the sandbox's key pair where there is none; returns the public key's line."""
    private = state.identity_file(name)
    public = private.with_suffix(".pub")
    if private.exists() and public.exists():
        return public.read_text(encoding="utf-8")
    import asyncssh  # noqa: PLC0415 - 0.4 s, needed once in a sandbox's life

    key = asyncssh.generate_private_key("ssh-ed25519", comment=f"deployer-{name}")
    state.write_private(private, key.export_private_key().decode())
    line = key.export_public_key().decode()
    state.write_private(public, line)  # last: a pair without it is made anew
    return line


def parse_host_keys(text: str) -> tuple[str, ...]:
    """Each line of public key files as "TYPE BASE64": comments dropped, sorted."""
    return tuple(sorted(" ".join(line.split()[:2]) for line in text.splitlines() if len(line.split()) >= 2))


def known_hosts(host_keys: Mapping[str, Sequence[str]]) -> str:
    """A known_hosts file (sshd(8)) for addresses and their keys."""
    return "".join(f"{address} {key}\n" for address, keys in sorted(host_keys.items()) for key in keys)


def merge_known_hosts(present: str, new: str) -> str:
    """`present` with every line about an address of `new` replaced by those of `new`; the other lines stay as they are."""
    addresses = {line.split()[0] for line in new.splitlines()}
    kept = [line for line in present.splitlines() if not line.split() or line.split()[0] not in addresses]
    return "".join(f"{line}\n" for line in kept) + new
