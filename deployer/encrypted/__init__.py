"""Encrypted files in, what is in them out, in memory only: age files, and SOPS files for age recipients.

    kinds       what a file is, by its bytes alone
    sops        a SOPS file's metadata, values and MAC; yaml_file, json_file, line_files know the four notations
    identities  the private keys of whoever runs deployer
    opener      bytes in, plaintext out, or a problem that says what to do; keys of other kinds by the `sops` program
    dotenv      the variables of an env file, as compose reads them

The formats are those of filippo.io/age (age-encryption.org/v1) and github.com/getsops/sops; both were tried against the
programs themselves.
"""

from deployer.encrypted.kinds import CannotOpenError, Kind, kind_of

__all__ = ["CannotOpenError", "Kind", "kind_of"]
