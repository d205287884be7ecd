"""Encryption: a given certificate, or one that is made at the first start and kept."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mfgsql.errors import MissingExtraError, SourceError

_YEARS = 10


@dataclass(frozen=True)
class Tls:
    """Encryption of connections.

    Attributes:
        context: for `ssl`.
        binding: hash of the certificate, by which SCRAM binds a login to this connection (RFC 5929).
        fingerprint: SHA-256 of the certificate in hexadecimal, for a person to compare.
        own: whether the certificate was made here, so that no client can know it beforehand.
    """

    context: ssl.SSLContext
    binding: bytes
    fingerprint: str
    own: bool


def load_tls(certificate: Path, key: Path, *, own: bool = False) -> Tls:
    """Of two PEM files.

    Raises:
        SourceError: they can't be read, or don't belong together.
    """
    try:
        from cryptography import x509
    except ImportError:
        raise _missing() from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        loaded = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except (OSError, ValueError) as error:
        raise SourceError(f"The certificate '{certificate}' with the key '{key}' can't be used: {error}.") from None
    der = ssl.PEM_cert_to_DER_cert(_first_pem(certificate.read_text(encoding="ascii", errors="replace")))
    name = loaded.signature_hash_algorithm.name if loaded.signature_hash_algorithm else "sha256"
    hashed = hashlib.new("sha256" if name in ("md5", "sha1") else name, der).digest()
    return Tls(context, hashed, hashlib.sha256(der).hexdigest(), own)


def _first_pem(text: str) -> str:
    end = "-----END CERTIFICATE-----"
    return text[text.index("-----BEGIN CERTIFICATE-----") : text.index(end) + len(end)]


def own_tls(folder: Path) -> Tls:
    """By the certificate in the folder; it is made where it is missing, for this machine's names."""
    certificate, key = folder / "server.crt", folder / "server.key"
    if not (certificate.exists() and key.exists()):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(certificate, key)
    return load_tls(certificate, key, own=True)


def _make(certificate: Path, key: Path) -> None:
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError:
        raise _missing() from None
    private = ec.generate_private_key(ec.SECP256R1())
    host = socket.gethostname() or "localhost"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    names = [x509.DNSName(n) for n in dict.fromkeys([host, "localhost"]) if n.isascii()]
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key, secret)
    _write(certificate, built.public_bytes(serialization.Encoding.PEM))


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, for its owner's eyes."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    os.replace(partial, path)


def _missing() -> MissingExtraError:
    return MissingExtraError("TLS needs an extra.", remedy="pip install 'mfgsql[serve]'; or: mfgsql serve --no-tls")
