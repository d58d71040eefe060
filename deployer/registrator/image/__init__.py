"""The registrator's image: what it is built from. Nothing here runs inside it."""

from deployer.registrator.image.context import build_context

__all__ = ["build_context"]
