"""The build context of the image, from our own installation: the same bytes for the same versions."""

from __future__ import annotations

import io
import tarfile
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

from deployer.registrator.image.tag import FOLDERS, LIBRARIES, OURS

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEFT_OUT: Final = frozenset({".so", ".pyc", ".pyi"})
_RECORDS: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "entry_points.txt"})
"""What an installer notes for itself."""


def build_context() -> bytes:
    """A tar archive: `Dockerfile`, and `packages/` with the program and its libraries. Raises OSError where a file cannot be read."""
    here = Path(__file__).parent
    files = dict(sorted({"Dockerfile": here / "Dockerfile", **dict(_ours()), **dict(_libraries())}.items()))
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, path in files.items():
            content = path.read_bytes()
            entry = tarfile.TarInfo(name)  # no time, no owner: what does not differ in content does not differ
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def _ours() -> Iterator[tuple[str, Path]]:
    package = Path(__file__).parents[2]
    program = (path.relative_to(package) for folder in FOLDERS for path in (package / folder).glob("*.py"))
    for path in (*map(Path, OURS), *program):
        yield f"packages/deployer/{path.as_posix()}", package / path


def _libraries() -> Iterator[tuple[str, Path]]:
    for library in LIBRARIES:
        for file in distribution(library).files or ():
            inside = file.parts[0] not in {"..", "bin"} and "__pycache__" not in file.parts
            if inside and file.suffix not in _LEFT_OUT and file.name not in _RECORDS:
                yield f"packages/{file.as_posix()}", Path(str(file.locate()))
