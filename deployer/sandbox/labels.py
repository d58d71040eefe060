"""The labels by which the sandbox knows what it made, and the names that it gives."""

LABEL = "deployer.sandbox"
"""On containers, networks and volumes; its value is the sandbox's name."""
MACHINE_LABEL = "deployer.sandbox.machine"
"""On machines; its value is the machine's name."""
IMAGE_LABEL = "deployer.sandbox.image"
"""On what all sandboxes of this machine share: images, and the volume with the registry's data."""
REGISTRY_VOLUME = "deployer-sandbox-registry"
REGISTRY_ALIAS = "registry.sandbox"
REGISTRY_PORT = 5000


def container_name(sandbox: str, machine: str) -> str:
    return f"deployer-{sandbox}-{machine}"


def network_name(sandbox: str) -> str:
    return f"deployer-{sandbox}"


def mirror_url() -> str:
    """What the machines' engines use as Docker Hub's mirror."""
    return f"http://{REGISTRY_ALIAS}:{REGISTRY_PORT}"
