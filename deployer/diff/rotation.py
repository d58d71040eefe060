"""A config or secret whose content is another in git: what it takes the place of, and how the two differ. Pure.

A content is never shown: a config may hold a password as well. Of a secret the live content cannot even be read.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Literal

from deployer.model import labels
from deployer.model.amounts import plural
from deployer.model.field import ABSENT, Field
from deployer.model.spec import ServiceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.diff.seen import Seen
    from deployer.model.observed import LiveObject


def find_rotation(
    kind: Literal["config", "secret"], stack: str, body: Mapping[str, Any], seen: Seen
) -> tuple[Field, ...]:
    """The fields in which the new object differs from the one that the stack's services use now; none where they use none.

    The name of both is KEY-HASH.
    """
    name = str(body["Name"])
    old = _in_use(kind, stack, name.rpartition("-")[0], seen)
    if old is None:
        return ()
    found = [Field("Name", old.name, name)]
    if kind == "config":
        before, after = _size(old.body.get("Data")), _size(body.get("Data"))
        found += [Field("Data", before, after)] if before is not ABSENT and after is not ABSENT else []
    return tuple(found)


def _in_use(kind: str, stack: str, key: str, seen: Seen) -> LiveObject | None:
    word = kind.capitalize()
    used = {
        str(reference.get(f"{word}Name"))
        for live in seen.services.values()
        if live.labels.get(labels.STACK) == stack
        for reference in ServiceSpec(live.spec).container.get(f"{word}s") or ()
    }
    found = [seen.objects[kind, name] for name in sorted(used) if (kind, name) in seen.objects]
    return next((one for one in found if key and one.name.rpartition("-")[0] == key), None)


def _size(data: Any) -> Any:
    """`31 lines, 812 bytes`"""
    if not isinstance(data, str):
        return ABSENT
    content = base64.b64decode(data)
    lines = content.count(b"\n") + (content[-1:] not in {b"\n", b""})
    return f"{plural(lines, 'line')}, {len(content)} bytes"
