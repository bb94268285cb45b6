# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""TLS of the listening side (host contract 12.4)."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path


def server_context(cert: Path, key: Path, ca: Path | None, verify_client: bool) -> ssl.SSLContext:
    """TLS 1.2 or later with this key pair; with `verify_client` only certificates of `ca` are let in.

    Raises OSError or ssl.SSLError when a file is missing or does not fit the other.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    if ca is not None:
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED if verify_client else ssl.CERT_OPTIONAL
    return context


def self_signed(directory: Path, names: Sequence[str]) -> tuple[Path, Path]:
    """A key pair of our own below `directory`, made once; `names` are addresses."""
    cert, key = directory / "cert.pem", directory / "key.pem"
    if not cert.exists():
        alternative = ",".join(f"IP:{name}" for name in names)
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "3650",
                "-keyout",
                str(key),
                "-out",
                str(cert),
                "-subj",
                f"/O=vdsmd/CN={names[0]}",
                "-addext",
                f"subjectAltName={alternative}",
            ],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        key.chmod(0o600)
    return cert, key
