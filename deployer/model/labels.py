"""The labels by which the cluster remembers what is ours. All of them are at service level: nothing restarts."""

from __future__ import annotations

from typing import Final

CLUSTER: Final = "deployer.cluster"
STACK: Final = "deployer.stack"
COMMIT: Final = "deployer.commit"
"""The commit that last changed the object; not part of any comparison."""
HASH: Final = "deployer.hash"
"""Hash of the body that was last sent: equal to the desired one while the live one differs means drift."""
FIELDS: Final = "deployer.fields"
"""Four characters for each field of the body that was last sent: which side of a difference is new, git's or the live one."""
SEALED: Final = "deployer.sealed"
"""On a service: the names of the variables that come from encrypted files, comma-separated; a plan masks their values."""
DIGEST: Final = "deployer.digest"
"""On a service: what its image's tag stood for when it was last written. The hash does without it."""
ROLE: Final = "deployer.role"
"""What a container of the machine itself is for: consul, registrator."""
JOINS: Final = "deployer.joins"
"""On a container of Consul: the addresses of the servers that it looks for when it starts, comma-separated; on a
registrator: the address of the Consul that it registers at."""
ENGINE: Final = "deployer.engine"
"""The engine's version when the container was made."""
SOCKET_USER: Final = "${SOCKET_USER}"
"""Stands in a plan for the user who may use the engine's socket: nobody, in the group that the socket has there."""
ENGINE_VERSION: Final = "${ENGINE_VERSION}"
"""Stands in a plan where the engine's version will be: the engine may be installed by the same plan."""
IMAGE_DIGEST: Final = "${IMAGE_DIGEST}"
"""Stands in a plan where an image's digest will be: the swarm whose manager asks for it may be started by the same plan."""
KEYS: Final = "deployer.labels"
"""On a swarm node: the names of the labels that come from git, comma-separated; others are left alone."""
NODE: Final = "deployer.node"
"""On a swarm node: the machine's name in git. With it a member is known as ours when its file is gone."""

TASK: Final = "com.docker.swarm.task.id"
"""Swarm's own, on the container of a task: the task's id."""

VOLATILE: Final = frozenset({COMMIT, HASH, FIELDS, DIGEST})
