"""Validate the registrator's section, and name the image that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.startup import defer_imports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.document import Document
    from deployer.model.cluster import ClusterFile
    from deployer.model.problem import Problem
    from deployer.model.registrator import Registrator

with defer_imports():
    from deployer.registrator import api

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
        try:
            api.check_flags(section.flags)
        except DeployerError as error:
            message = f"the registrator would not start: {error.message}"
            yield document.problem(SECTION, message, error.help or "the keys here are its flags", key=True)


def image(section: Registrator | None) -> str:
    """The image that runs; empty without a section."""
    if section is None:
        return ""
    if section.image:
        return section.image
    return api.image_tag(section.base)
