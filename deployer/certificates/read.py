"""Read the names and the end of a certificate that a machine has."""

from __future__ import annotations

from cryptography import x509

from deployer.certificates.issue import names_of


def read_certificate(pem: str) -> tuple[tuple[str, ...], float]:
    """Names that the first one is valid for, and until when (seconds since the epoch); none and 0 where it cannot be read."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())[0]
        return names_of(found), found.not_valid_after_utc.timestamp()
    except (ValueError, IndexError):
        return (), 0.0
