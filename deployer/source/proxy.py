"""Validate the cluster's `proxy` section: it names a service of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.document import Document
    from deployer.model.cluster import Proxy
    from deployer.model.problem import Problem


def problems(document: Document, proxy: Proxy, stacks: Mapping[str, Document | None]) -> Iterator[Problem]:
    """Whether both are there. A service may come from a file that is included: then only compiling tells."""
    if proxy.stack not in stacks:
        yield document.problem(("proxy", "stack"), f"there is no stack {proxy.stack!r}", _help(proxy.stack, stacks))
        return
    stack = stacks[proxy.stack]
    value = stack.value if stack is not None and isinstance(stack.value, dict) else {}
    services = value.get("services")
    if isinstance(services, dict) and proxy.service not in services and "include" not in value:
        message = f"stack {proxy.stack} has no service {proxy.service!r}"
        yield document.problem(("proxy", "service"), message, _help(proxy.service, services))


def _help(word: str, known: Mapping[str, object]) -> str:
    return did_you_mean(word, known, f"there are {', '.join(sorted(known)) or 'none'}")
