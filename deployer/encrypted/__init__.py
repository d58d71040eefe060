"""Open encrypted files, in memory only: age files, and the files of SOPS.

    kinds       what a file is, by its bytes alone
    leaves      what SOPS files are without a key: values, keys, rule (metadata, keys, rules), for each of four notations
                (yaml_file, json_file, line_files)
    identities  the private keys of whoever runs deployer
    program     `sops`, in a cage (confined): it decrypts, and asks the services that have keys
    opener      bytes to plain text, or a problem that says what to do

The formats are those of filippo.io/age (age-encryption.org/v1) and github.com/getsops/sops. Values and MAC are the program's
business; an age file, and a data key that is encrypted for a key of age's, are pyrage's.
"""

from deployer.encrypted.kinds import CannotOpenError, Kind, kind_of

__all__ = ["CannotOpenError", "Kind", "kind_of"]
