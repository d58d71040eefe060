"""The kinds of keys that SOPS files are encrypted for, and what `sops` takes of its user to ask for each.

The names of kinds and fields are those of the format (getsops/sops, stores/stores.go).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class KeyKind(NamedTuple):
    """`fields` name a key, the first of them the place that it is at. `enc`, the data key encrypted for it, comes with every one.

    `home` is what lies in a home for such keys, `named` the variables that name such files, `variables` all that sops, and what
    it asks with, read; credentials are among them.
    """

    fields: tuple[str, ...]
    home: tuple[str, ...]
    named: tuple[str, ...]
    variables: re.Pattern[str]


KINDS: Final[Mapping[str, KeyKind]] = {
    "age": KeyKind(
        ("recipient",), (".config/sops/age", ".config/deployer/age.txt", ".ssh/id_ed25519", ".ssh/id_rsa"),
        ("SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE"), re.compile(r"SOPS_AGE_[A-Z_]+|XDG_CONFIG_HOME"),
    ),
    "pgp": KeyKind(
        ("fp",), (".gnupg",), ("GNUPGHOME",), re.compile(r"GNUPGHOME|GPG_TTY|SOPS_GPG_EXEC|XDG_RUNTIME_DIR"),
    ),
    "kms": KeyKind(
        ("arn", "role", "aws_profile"), (".aws",),
        ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE"),
        re.compile(r"AWS_[A-Z0-9_]+"),
    ),
    "gcp_kms": KeyKind(
        ("resource_id",), (".config/gcloud",), ("GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG"),
        re.compile(r"(GOOGLE|GCLOUD|CLOUDSDK)_[A-Z0-9_]+"),
    ),
    "azure_kv": KeyKind(
        ("vault_url", "name", "version"), (".azure",),
        ("AZURE_CONFIG_DIR", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"),
        re.compile(r"AZURE_[A-Z0-9_]+|(MSI|IDENTITY)_[A-Z_]+"),
    ),
    "hc_vault": KeyKind(
        ("vault_address", "engine_path", "key_name"), (".vault-token",),
        ("VAULT_CACERT", "VAULT_CAPATH", "VAULT_CLIENT_CERT", "VAULT_CLIENT_KEY"), re.compile(r"VAULT_[A-Z_]+"),
    ),
    "hckms": KeyKind(("key_id",), (".huaweicloud",), (), re.compile(r"HUAWEICLOUD_[A-Z0-9_]+")),
}  # fmt: skip
LOCAL: Final = frozenset({"age", "pgp"})
"""Kinds that ask nobody over a network."""
STARTING: Final = frozenset({"pgp", "kms", "azure_kv"})
"""Kinds for which sops starts other programs: gpg, credential programs of cloud services."""
