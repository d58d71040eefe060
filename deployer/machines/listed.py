"""Machines as they answered in, what `ls` prints out: docker-machine's columns, filters and templates (commands/ls.go)."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.errors import UsageError
from deployer.machines.endpoint import endpoint
from deployer.machines.listing import UNKNOWN
from deployer.model.clock import clock_words
from deployer.model.printable import printable
from deployer.report.machines import MachineDocument, MachinesDocument
from deployer.report.table import table
from deployer.template.text import Template, TemplateError, fill, read_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deployer.machines.listing import Listed
    from deployer.model.cluster import Node

TABLE: Final = "table "
DEFAULT: Final = (
    TABLE + "{{.Name}}\t{{.Active}}\t{{.DriverName}}\t{{.State}}\t{{.URL}}\t{{.Swarm}}\t{{.DockerVersion}}\t{{.Error}}"
)
HEADERS: Final = {
    "Name": "NAME",
    "Active": "ACTIVE",
    "ActiveHost": "ACTIVE_HOST",
    "ActiveSwarm": "ACTIVE_SWARM",
    "DriverName": "DRIVER",
    "State": "STATE",
    "URL": "URL",
    "Swarm": "SWARM",
    "SwarmOptions": "SWARM_OPTIONS",
    "EngineOptions": "ENGINE_OPTIONS",
    "DockerVersion": "DOCKER",
    "Error": "ERRORS",
    "ResponseTime": "RESPONSE",
    "Expires": "EXPIRES",
    "Clock": "CLOCK",
}
FILTERS: Final = ("name", "state", "driver", "swarm", "label")


def driver(node: Node) -> Literal["generic", "local"]:
    """docker-machine's word for machines that are there already; the one that this runs on has none."""
    return "local" if node.local else "generic"


def natural(name: str) -> list[tuple[int, str]]:
    """web2 before web10, whatever the case."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split("([0-9]+)", name.lower()) if part]


Filters = dict[str, list[str]]


def read_filters(given: Iterable[str]) -> Filters:
    """`state=Running` each; raises UsageError where one is not of that form, or its key not known."""
    found: Filters = {}
    for text in given:
        key, equal, value = text.partition("=")
        key = key.strip().lower()
        if not equal:
            raise UsageError(f"{text!r} is no filter", help="a filter is KEY=VALUE, such as state=Running")
        if key not in FILTERS:
            raise UsageError(f"there is no filter {key!r}", help=f"there are {', '.join(FILTERS)}")
        if key == "name":
            try:
                re.compile(value)
            except re.error as error:
                raise UsageError(f"{value!r} is no regular expression: {error}") from None
        found.setdefault(key, []).append(value.strip())
    return found


def filter_nodes(filters: Filters, nodes: Iterable[Node]) -> list[Node]:
    """The machines that may pass, by what is known without asking them; in their natural order."""

    def passes(node: Node) -> bool:
        labels = {*(f"{key}={value}" for key, value in node.labels), *(key for key, _ in node.labels)}
        labels |= set(map(str, node.engine.daemon.get("labels") or ()))
        checks = (
            ("name", lambda value: re.search(value, node.name) is not None),
            ("driver", lambda value: value.lower() == driver(node)),
            ("label", lambda value: value in labels),
        )
        return all(key not in filters or any(map(check, filters[key])) for key, check in checks)

    return sorted(filter(passes, nodes), key=lambda node: natural(node.name))


def filter_machines(filters: Filters, machines: Iterable[Listed]) -> list[Listed]:
    """Those that pass by what they answered as well."""

    def passes(one: Listed) -> bool:
        told = {"state": one.state.lower(), "swarm": one.swarm.removesuffix(" (master)").lower()}
        return all(key not in filters or value in map(str.lower, filters[key]) for key, value in told.items())

    return [one for one in machines if passes(one)]


def listing_text(machines: Sequence[Listed], form: str | None) -> str:
    """A line a machine, by the template `form`; with `table ` before it aligned, and with a head."""
    text = DEFAULT if form is None else form
    aligned = text.startswith(TABLE)
    text = text.removeprefix(TABLE).strip(" ").replace("\\t", "\t").replace("\\n", "\n")
    try:
        template = read_template(text, "--format")
        lines = [_line(template, one) for one in machines]
        if not aligned:
            return "".join(f"{line}\n" for line in lines)
        first, *rest = [line.split("\t") for line in (fill(template, HEADERS), *lines)]
    except TemplateError as error:
        raise UsageError(str(error), help=f"fields are .{', .'.join(HEADERS)}") from None
    return "".join(f"{line.rstrip()}\n" for line in table(first, rest, empty=""))


def _line(template: Template, one: Listed) -> str:
    return fill(
        template, {key: printable(value) if isinstance(value, str) else value for key, value in values(one).items()}
    )


def values(one: Listed) -> dict[str, Any]:
    """What templates see: docker-machine's names."""
    node = one.node
    return {
        "Name": node.name,
        "Active": "*" if one.active else "-",
        "ActiveHost": one.active,
        "ActiveSwarm": False,
        "DriverName": driver(node),
        "State": one.state,
        "URL": endpoint(node),
        "Swarm": one.swarm,
        "SwarmOptions": {"IsSwarm": node.role != "none", "Master": node.role == "manager"},
        "EngineOptions": dict(node.engine.daemon),
        "DockerVersion": f"v{one.engine}" if one.engine else UNKNOWN,
        "Error": one.error,
        "ResponseTime": f"{one.seconds * 1000:.0f}ms" if one.seconds < 1 else f"{one.seconds:.1f}s",
        "Expires": _day(one.expires),
        "Clock": clock_words(one.clock_ahead),
    }


def _day(when: float | None) -> str:
    """`2027-01-31`, in UTC; empty without a certificate."""
    return "" if when is None else time.strftime("%Y-%m-%d", time.gmtime(when))


def listing_document(cluster: str, machines: Sequence[Listed]) -> MachinesDocument:
    return MachinesDocument(cluster=cluster, machines=tuple(map(_document, machines)))


def _document(one: Listed) -> MachineDocument:
    return MachineDocument(
        name=one.node.name,
        active=one.active,
        driver=driver(one.node),
        state=one.state,
        url=endpoint(one.node),
        address=one.node.address,
        role=one.node.role,
        swarm=one.swarm,
        docker=one.engine or None,
        error=one.error or None,
        help=one.help or None,
        seconds=round(one.seconds, 3),
        clock_ahead=None if one.clock_ahead is None else round(one.clock_ahead, 1),
        expires=_day(one.expires) or None,
    )
