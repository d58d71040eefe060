"""What names and addresses in files look like."""

from __future__ import annotations

from typing import Final

# Every pattern ends in `$(?!\n)`: in Python `$` alone lets a last newline pass, in JSON Schema there is no `\Z`.
NAME_PATTERN: Final = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$(?!\n)"
"""A machine's or a cluster's name: one DNS label, so that it can be a host name, a Consul node and a file name."""

ADDRESS_PATTERN: Final = r"^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?$(?!\n)"
"""An IP address or host name; nothing that an ssh command line could take for an option or a shell for syntax."""

USER_PATTERN: Final = r"^[a-z_][a-z0-9_.-]{0,31}$(?!\n)"
IMAGE_PATTERN: Final = r"^[a-zA-Z0-9][a-zA-Z0-9./_:@-]{0,254}$(?!\n)"
INTERFACE_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9.:_@-]{0,63}$(?!\n)"
