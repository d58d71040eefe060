"""What may be registered in Consul: which ids and names, and what is done about an entry whose id no path can hold. Pure.

Consul itself takes every text for an id or a name and refuses nothing. What it cannot do with them afterwards is known: an
entry with `/` in its id may stay for ever (hashicorp/consul#1333, #2813, #13913), one with a line break too (#20122). Its
documentation advises names that are DNS labels (developer.hashicorp.com/consul/docs/reference/service, "name").
"""

from __future__ import annotations

import re
from typing import Any, Final

LONGEST: Final = 255
"""Characters of an id or a name. DNS has room for 63 of a name, and for 253 of all (RFC 1035, 2.3.4)."""
ALPHABET: Final = "letters, digits and _ . - ~ : @, and begins with a letter, a digit or _"
_FIT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~:@-]*", re.ASCII)
"""What a segment of a path holds without being quoted (RFC 3986, 3.3), without the characters that delimit something.

Every id and name that registrators make of host names, containers' names and images is of this form.
"""
RESERVED: Final = frozenset({"consul", "deployer-consul", "deployer-registrator"})
"""Consul's servers are the service `consul`, with that id, on each of their machines; the others are deployer's own containers.

A container of that name would be among the answers for `consul.service.consul`; one with that id takes Consul's own entry out
of the catalogue (both seen with 1.8.7). DNS knows no upper case, so none counts here.
"""
EXPIRY: Final = "1m"
"""The shortest time that Consul takes; it looks every 30 s (developer.hashicorp.com/consul, check, DeregisterCriticalServiceAfter).

1.8.7 counts it from when a TTL ran out, and not from the registration: the TTL is short.
"""


def fits(text: str) -> bool:
    """Whether an id or a name may be registered."""
    return len(text) <= LONGEST and _FIT.fullmatch(text) is not None


def is_reserved(text: str) -> bool:
    return text.lower() in RESERVED


def expiring(id_: str, name: str) -> dict[str, Any]:
    """The body of a registration over an entry that no path can name: without an address, critical, gone within two minutes.

    The name stays, as an ACL token may allow this one only.
    """
    check = {
        "Name": "expires", "TTL": "1s", "Status": "critical", "DeregisterCriticalServiceAfter": EXPIRY,
        "Notes": "Its id can stand in no request, so it is made to expire.",
    }  # fmt: skip
    return {"ID": id_, "Name": name, "Checks": [check]}
