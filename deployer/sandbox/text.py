"""A sandbox as a table or as JSON. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.sandbox.spec import Sandbox

HEADINGS = ("NAME", "ADDRESS", "STATE", "SSH")


def table(sandbox: Sandbox) -> str:
    """One line a machine, the registry last; columns as wide as what is in them."""
    rows = [
        HEADINGS,
        *((machine.name, machine.address, machine.state, "ok" if machine.ssh else "-") for machine in sandbox.machines),
        ("registry", sandbox.registry.removeprefix("http://"), sandbox.registry_state, ""),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def as_json(sandbox: Sandbox) -> str:
    """The same as one JSON object."""
    return json.dumps(
        {
            "format_version": "1.0",
            "name": sandbox.name,
            "subnet": sandbox.subnet,
            "identity_file": str(sandbox.identity_file),
            "registry": {"url": sandbox.registry, "state": sandbox.registry_state},
            "machines": [
                {"name": machine.name, "address": machine.address, "state": machine.state, "ssh": machine.ssh}
                for machine in sandbox.machines
            ],
        },
        indent=2,
    )
