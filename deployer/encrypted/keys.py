"""Read the master keys that a SOPS file names; and say whom `sops` would ask for each of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.encrypted.key_kinds import KINDS
from deployer.encrypted.leaves import DamagedError
from deployer.model.allowed import PGP, PROFILE, plain_address, plain_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.allowed import Allowed

MOST: Final = 100
LONGEST: Final = 1 << 16
_STEP: Final = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,128}"
_STEPS: Final = re.compile(rf"{_STEP}(?:/{_STEP}){{0,7}}")
_NAME: Final = re.compile(_STEP)
_VERSION: Final = re.compile(r"[A-Za-z0-9]{0,64}")


@dataclass(frozen=True)
class MasterKey:
    """`fields` are those of its kind, all of them; `context` is KMS's own, which the key's policy may ask for."""

    kind: str
    fields: Mapping[str, str]
    enc: str
    context: Mapping[str, str]

    @property
    def name(self) -> str:
        """What names it in its file."""
        return self.fields[KINDS[self.kind].fields[0]]

    def needs(self) -> tuple[str, ...] | None:
        """The entries of `deployer.allow` that it takes to ask for this key; None where it names no plain address or id.

        Another reading of an odd address, or a path such as `../sys/seal`, would end somewhere else than it says.
        """
        match self.kind:
            case "age":
                return ()
            case "pgp":
                return (PGP,)
            case "hc_vault":
                return self._vault()
            case "azure_kv":
                return self._azure()
            case "kms":
                return self._kms()
            case _:
                return (self.name,) if plain_key(self.name) else None

    def may_be_asked(self, allowed: Allowed) -> bool:
        needs = self.needs()
        return allowed.everything or (needs is not None and all(map(allowed.may_ask, needs)))

    def _vault(self) -> tuple[str, ...] | None:
        address, path, name = (self.fields[field] for field in KINDS[self.kind].fields)
        bare = address.removesuffix("/")
        if not (plain_address(bare) and bare.count("/") == 2 and _STEPS.fullmatch(path) and _NAME.fullmatch(name)):
            return None
        return (f"{bare}/v1/{path}/keys/{name}",)

    def _azure(self) -> tuple[str, ...] | None:
        address, name, version = (self.fields[field] for field in KINDS[self.kind].fields)
        bare = address.removesuffix("/")
        plain = plain_address(bare) and bare.count("/") == 2
        if not (plain and _NAME.fullmatch(name) and _VERSION.fullmatch(version)):
            return None
        return (f"{bare}/keys/{name}",)

    def _kms(self) -> tuple[str, ...] | None:
        arn, role, profile = (self.fields[field] for field in KINDS[self.kind].fields)
        wanted = tuple(filter(None, (arn, role)))
        if not arn or not all(map(plain_key, wanted)):
            return None
        return (*wanted, f"{PROFILE}{profile}") if profile else wanted


def read_groups(section: Mapping[str, Any]) -> tuple[tuple[MasterKey, ...], ...]:
    """The groups of keys, one or several of which it takes: keys beside the groups come first, as with sops, which reads no group then."""
    direct = _keys(section)
    if direct:
        return (direct,)
    given = section.get("key_groups") or []
    if not isinstance(given, list) or len(given) > MOST:
        raise DamagedError("its key_groups are no list")
    return tuple(keys for group in given if isinstance(group, dict) and (keys := _keys(group)))


def write_key(key: MasterKey) -> dict[str, Any]:
    """The key as sops reads it: from our values alone."""
    fields = {name: value for name, value in key.fields.items() if value or name != "role"}
    made: dict[str, Any] = {**fields, "enc": key.enc}
    if key.kind != "age":
        made["created_at"] = "2020-01-01T00:00:00Z"  # of no account for opening a file
    if key.context:
        made["context"] = dict(key.context)
    return made


def _keys(section: Mapping[str, Any]) -> tuple[MasterKey, ...]:
    found: list[MasterKey] = []
    for kind in KINDS:
        given = section.get(kind) or []
        if not isinstance(given, list):
            raise DamagedError(f"its {kind} keys are no list")
        found += [_key(kind, one) for one in given if one]
    if len(found) > MOST:
        raise DamagedError(f"it names more than {MOST} keys")
    return tuple(found)


def _key(kind: str, given: Any) -> MasterKey:
    if not isinstance(given, dict):
        raise DamagedError(f"one of its {kind} keys is no mapping")
    context = given.get("context") or {}
    if not isinstance(context, dict):
        raise DamagedError(f"the context of one of its {kind} keys is no mapping")
    fields = {name: _text(kind, given.get(name)) for name in KINDS[kind].fields}
    kept = {str(name): _text(kind, value) for name, value in context.items()} if kind == "kms" else {}
    return MasterKey(kind, fields, _text(kind, given.get("enc")), kept)


def _text(kind: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str | int | float) or len(str(value)) > LONGEST:
        raise DamagedError(f"one of its {kind} keys is not as sops writes it")
    return str(value)
