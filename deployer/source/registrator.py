"""The registrator's section in; what is wrong with it, and the image that it asks for, out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import DeployerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.document import Document
    from deployer.model.cluster import ClusterFile
    from deployer.model.problem import Problem
    from deployer.model.registrator import Registrator

SECTION = ("registrator",)


def problems(file: ClusterFile, document: Document) -> Iterator[Problem]:
    """It has nowhere to register, or our program would not start with these flags: that one is asked itself."""
    section = file.registrator
    if section is None:
        return
    if file.consul is None:
        yield document.problem(
            SECTION, "there is no Consul to register in", "add a `consul:` section, or remove this one", key=True
        )
    fallible = section.tags or section.ttl or section.ttl_refresh  # the types say all of the others
    if section.image is None and fallible:
        from deployer.registrator.flags import read_flags  # noqa: PLC0415 - takes 25 ms, and few clusters need it

        try:
            read_flags((*section.flags, "consul://127.0.0.1:8500"))
        except DeployerError as error:
            message = f"the registrator would not start: {error.message}"
            yield document.problem(SECTION, message, error.help or "the keys here are its flags", key=True)


def image(section: Registrator | None) -> str:
    """The image that runs; empty without a section."""
    if section is None:
        return ""
    if section.image:
        return section.image
    from deployer.registrator.image.tag import image_tag  # noqa: PLC0415 - see above

    return image_tag(section.base)
