"""A self-signed certificate for this machine: `.venv/bin/python -m scripts.certificate FOLDER`."""

from __future__ import annotations

import contextlib
import ipaddress
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scripts.files import write_atomically

_NAMES = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


def certificate_in(folder: Path) -> Path:
    """The certificate and its key, in one file of mode 0600; created if it is missing or expires
    within a day."""
    path, now = folder / "localhost.pem", datetime.now(UTC)
    with contextlib.suppress(OSError, ValueError):
        known = x509.load_pem_x509_certificate(path.read_bytes())
        if known.not_valid_after_utc > now + timedelta(days=1):
            return path
    write_atomically(path, _self_signed(now).decode())
    return path


def _self_signed(now: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName(_NAMES), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return certificate.public_bytes(pem) + key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


if __name__ == "__main__":
    print(certificate_in(Path(sys.argv[1])))
