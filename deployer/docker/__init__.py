"""The engine of a machine."""

from deployer.docker.engine import Engine, EngineError, segment

__all__ = ["Engine", "EngineError", "segment"]
