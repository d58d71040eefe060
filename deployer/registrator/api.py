"""The one door to the registrator for the rest of deployer: its rules and its image. The program itself does not need this.

Nothing else of this package is imported outside it, but the command line by `deployer registrator run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

with defer_imports():  # few clusters have one, and of these most runs need one of them or none
    from deployer.registrator import container, flags, network, services
    from deployer.registrator.image import context, tag


def check_flags(argv: Sequence[str]) -> None:
    """Raises DeployerError where the program would not start with these flags."""
    flags.read_flags((*argv, "consul://127.0.0.1:8500"))


def would_register(argv: Sequence[str], machine: str, inspected: Mapping[str, Any]) -> bool:
    """Whether the program, with these flags on that machine, makes a service of a container as the engine describes it.

    Raises AttributeError, KeyError, TypeError or ValueError where that is no engine's description of one.
    """
    options = flags.read_flags((*argv, "-ip=192.0.2.1", "consul://127.0.0.1"))
    found = container.read_container(inspected)
    host = network.Host(machine, "192.0.2.1", "")
    return found.live and bool(services.services(found, None, host, options).services)


def image_tag(base: str) -> str:
    """The image's name: equal names mean equal contents."""
    return tag.image_tag(base)


def build_context() -> bytes:
    """A tar archive that the image is built from. Raises OSError where a file cannot be read."""
    return context.build_context()
