"""A value in, JSON out that YAML parsers read as the same value."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_NOT_IN_YAML: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def encode(value: Any) -> bytes:
    """go-yaml takes no surrogate pairs in escapes, so nothing is escaped but what YAML refuses as it is."""
    return _NOT_IN_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False)).encode()
