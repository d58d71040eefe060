"""Values without what must not be seen: one rule for a plan's text and for JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from deployer.model.secret import MASK, Secret
from deployer.model.spec import CONTAINER

SECRET_WORDS: Final = re.compile(
    r"passw|passphrase|(?<![a-z])pass(?![a-z])|pwd|secret|token|(api|access)[-_. ]?key|private|credential",
    re.IGNORECASE,
)
"""A variable or option with such a name is shown masked."""

SECRETS_NAMES: Final = re.compile(rf"^{re.escape(CONTAINER)}\.Secrets\b")
"""Where Docker keeps the *names* of secrets, which are none."""

USER_INFO: Final = re.compile(r"(?<=://)[^/?#\s]*(?=@)")
"""User and password in a URL (RFC 3986, 3.2.1)."""


def mask(path: str, value: Any) -> Any:
    """`value`, found at `path`, with `[secret]` for a `Secret`, below a name that says secret, in `NAME=value` and in URLs."""
    return _mask(value, secret=not SECRETS_NAMES.match(path) and bool(SECRET_WORDS.search(path)))


def _mask(value: Any, *, secret: bool) -> Any:
    if isinstance(value, Mapping):
        return {
            str(key): _mask(item, secret=secret or (key != "SecretName" and bool(SECRET_WORDS.search(str(key)))))
            for key, item in value.items()
        }
    if secret or isinstance(value, Secret):
        return MASK
    if isinstance(value, list | tuple):
        return [_mask(item, secret=False) for item in value]
    if not isinstance(value, str):
        return value
    name, equals, _ = value.partition("=")
    if equals and SECRET_WORDS.search(name):
        return f"{name}={MASK}"
    return USER_INFO.sub(MASK, value)
