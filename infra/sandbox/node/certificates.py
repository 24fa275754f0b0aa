"""Certificates of a node's parts, made anew at each start so that none of them ever grows old. Who signs them stays: pods that come back trust it."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from falaj.files import write_durably

_LIFE = datetime.timedelta(days=365)
_LIFE_OF_AUTHORITIES = 10 * _LIFE
_SLACK = datetime.timedelta(minutes=5)
"""Clocks of the parts are one machine's; this covers a step of it."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; its own, with its key, lies beside those that it signed, and is the same at the next start while it outlives them."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        if not (self.certificate.exists() and key.exists()) or _ends(self.certificate) < datetime.datetime.now(datetime.UTC) + _LIFE:
            _make_authority(self.certificate, key, name)
        self._name = x509.load_pem_x509_certificate(self.certificate.read_bytes()).subject
        self._key = _read_key(key)

    def issue(self, name: str, *, user: str, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> Pair:
        """A certificate for `user` of `groups`, and for a server called `hosts`; the files are called `name`."""
        key = ec.generate_private_key(ec.SECP256R1())
        words = [*(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups), x509.NameAttribute(NameOID.COMMON_NAME, user)]
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
        builder = _builder(x509.Name(words), self._name, key.public_key()).add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        write_durably(pair.certificate, builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        write_key(pair.key, key)
        return pair


def _make_authority(certificate: Path, path: Path, name: str) -> None:
    # The certificate goes last: a key alone is made anew.
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate.unlink(missing_ok=True)
    write_key(path, key)
    builder = _builder(subject, subject, key.public_key(), _LIFE_OF_AUTHORITIES).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    signed = builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    write_durably(certificate, signed.public_bytes(serialization.Encoding.PEM))


def _ends(certificate: Path) -> datetime.datetime:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """A private key that `write_key` wrote. Raises ValueError for one of another kind."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} holds a key of another kind")
    return key


def write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a private key, for its owner alone, in the one form of an elliptic-curve key that the API server reads for tokens too."""
    write_durably(path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()), mode=0o600)


def keep_service_key(path: Path) -> None:
    """The key that signs the tokens of service accounts: made once, so that tokens outlive a start."""
    if not path.exists():
        write_key(path, ec.generate_private_key(ec.SECP256R1()))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: datetime.timedelta = _LIFE) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    named = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())
    return named.not_valid_before(now - _SLACK).not_valid_after(now + life)


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
