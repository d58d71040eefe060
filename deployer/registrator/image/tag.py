"""The name of the image: equal names mean equal contents."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Final

LIBRARIES: Final = ("certifi", "charset-normalizer", "docker", "idna", "py-consul", "requests", "urllib3")
"""What the program imports, and what that imports. All of it is Python: it runs on any machine's architecture."""
OURS: Final = (
    "__init__.py", "errors.py", "startup.py",
    "model/__init__.py", "model/address.py", "model/nearest.py", "model/path.py", "model/printable.py", "model/registration.py",
)  # fmt: skip
FOLDERS: Final = ("registrator", "template")
"""What of our own is all in it."""
REPOSITORY: Final = "deployer-registrator"


def image_tag(base: str) -> str:
    """`deployer-registrator:` and 12 hexadecimal digits over the Dockerfile, the program, its libraries' versions and `base`.

    Versions stand for the libraries' files: a version never changes (PyPI), and reading them all would cost every plan 0.1 s.
    """
    package = Path(__file__).parents[2]
    files = [
        *(package / name for name in OURS),
        *sorted(path for folder in FOLDERS for path in (package / folder).glob("*.py")),
        Path(__file__).with_name("Dockerfile"),
    ]
    digest = hashlib.sha256()
    for text in (base, *(f"{name} {version}" for name, version in sorted(_versions().items()))):
        digest.update(text.encode() + b"\0")
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(package).as_posix()} {len(content)}\0".encode() + content)
    return f"{REPOSITORY}:{digest.hexdigest()[:12]}"


def _versions() -> dict[str, str]:
    """The libraries' versions, from the names of their `dist-info` directories (PyPA, "Recording installed projects").

    importlib.metadata says the same; it costs 40 ms to import, and is asked only where they lie in several places.
    """
    found = importlib.util.find_spec("docker")
    place = Path(found.origin).parents[1] if found and found.origin else Path()
    listed = (path.name.removesuffix(".dist-info").rpartition("-") for path in place.glob("*.dist-info"))
    versions = {name.lower().replace("_", "-"): version for name, _, version in listed}
    if set(LIBRARIES) <= versions.keys():
        return {name: versions[name] for name in LIBRARIES}
    from importlib.metadata import version as version_of  # noqa: PLC0415 - see above

    return {name: version_of(name) for name in LIBRARIES}
