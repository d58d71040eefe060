"""Issue X.509 certificates: EC P-256, and all that OpenSSL's strict mode wants (Python 3.13 has it on).

RFC 5280, 4.2: basic constraints are critical, an authority's key usage names the signing of certificates, everything has a subject
key id, and an authority key id.
"""

from __future__ import annotations

import ipaddress
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    Key = ec.EllipticCurvePrivateKey

BACKDATED: Final = timedelta(minutes=5)
"""For clocks that are behind."""
AUTHORITY_VALID: Final = timedelta(days=3650)
VALID: Final = timedelta(days=397)
"""Of servers and clients: a year and a month, so that whoever renews them once a year is in time."""
LONGEST_NAME: Final = 64
"""Of a common name (RFC 5280, ub-common-name)."""


def new_key() -> Key:
    return ec.generate_private_key(ec.SECP256R1())


def root(cluster: str, key: Key, now: datetime) -> x509.Certificate:
    """A cluster's authority, signed by itself. No two have one name, so that clients that trust two tell them apart."""
    name = _name(f"{cluster[:40]} authority {secrets.token_hex(4)}")
    return _authority(name, name, key.public_key(), key.public_key(), now, now + AUTHORITY_VALID).sign(
        key, hashes.SHA256()
    )


def crossed(new: x509.Certificate, old: x509.Certificate, old_key: Key, now: datetime) -> x509.Certificate:
    """The new authority as the old one vouches for it: who trusts the old one alone believes what the new one signs."""
    public, signer = _ec(new), _ec(old)
    end = min(new.not_valid_after_utc, old.not_valid_after_utc)
    return _authority(new.subject, old.subject, public, signer, now, end).sign(old_key, hashes.SHA256())


def server(
    names: Sequence[str], key: Key, issuer: x509.Certificate, issuer_key: Key, now: datetime
) -> x509.Certificate:
    """A machine's: the first of its names is its subject, all of them are names and addresses that it answers at."""
    alternative = x509.SubjectAlternativeName([_general(name) for name in dict.fromkeys(names)])
    builder = _leaf(names[0], key, issuer, now, ExtendedKeyUsageOID.SERVER_AUTH)
    return builder.add_extension(alternative, critical=False).sign(issuer_key, hashes.SHA256())


def client(user: str, key: Key, issuer: x509.Certificate, issuer_key: Key, now: datetime) -> x509.Certificate:
    """That of whoever runs docker."""
    return _leaf(user, key, issuer, now, ExtendedKeyUsageOID.CLIENT_AUTH).sign(issuer_key, hashes.SHA256())


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Names and addresses that it is valid for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(general.value) for general in found)


def _authority(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePublicKey,
    now: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        _any(subject, issuer, public, signer, now, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
    )


def _leaf(
    name: str, key: Key, issuer: x509.Certificate, now: datetime, purpose: x509.ObjectIdentifier
) -> x509.CertificateBuilder:
    end = min(now + VALID, issuer.not_valid_after_utc)
    return (
        _any(_name(name), issuer.subject, key.public_key(), _ec(issuer), now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )


def _any(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePublicKey,
    now: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:LONGEST_NAME])])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _ec(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    """Its public key. Raises ValueError where it is none of ours."""
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ValueError("its key is not on an elliptic curve")  # noqa: TRY004 - for whoever reads the file it is a bad file
    return public
